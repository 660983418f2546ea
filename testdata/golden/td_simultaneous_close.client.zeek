#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-22-11
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202532.047216	1	192.0.2.120	37012	198.51.100.99	31168	tcp	0.470642	43	540	SF	-	-	ShADadFf	6	5	-
#close	2026-11-20-19-22-12
