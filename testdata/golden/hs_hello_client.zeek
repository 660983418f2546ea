#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-21-35
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202495.512971	1	198.51.100.229	56280	192.0.2.18	8080	tcp	0.081737	14	0	SF	-	-	ShADFf	5	2	-
#close	2026-11-20-19-21-35
