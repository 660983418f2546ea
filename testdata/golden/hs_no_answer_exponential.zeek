#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-21-36
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202496.337254	1	192.0.2.73	38050	192.0.2.179	9719	tcp	3.017038	0	0	S0	-	-	S	3	0	-
1795202503.610296	1.2	192.0.2.73	38050	192.0.2.179	9719	tcp	-	-	-	S0	-	-	S	1	0	-
#close	2026-11-20-19-21-43
