#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-21-45
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202505.257529	1	198.51.100.118	57448	198.51.100.194	24030	tcp	1.314850	44	840	SF	-	-	ShADadFf	7	5	-
#close	2026-11-20-19-21-46
