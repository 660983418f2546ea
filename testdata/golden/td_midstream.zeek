#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-22-28
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202548.084257	1	192.0.2.194	58001	198.51.100.50	9959	tcp	0.346030	44	640	SF	-	-	DdAFaf	4	3	-
1795202548.115139	2	192.0.2.194	52457	198.51.100.50	9959	tcp	0.444473	43	640	OTH	-	-	DdAR	3	1	-
1795202549.114285	3	192.0.2.194	36279	198.51.100.50	9959	tcp	1.062556	1	0	OTH	-	-	Aa	2	2	-
#close	2026-11-20-19-22-30
