#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-21-35
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202495.525504	1	198.51.100.76	44104	192.0.2.200	25449	tcp	0.028688	0	0	REJ	-	-	Sr	1	1	-
1795202495.651555	2	198.51.100.76	48347	192.0.2.200	16882	tcp	0.028659	0	0	REJ	-	-	Sr	1	1	-
1795202495.911151	3	198.51.100.76	42540	192.0.2.200	13275	tcp	0.028842	0	0	REJ	-	-	Sr	1	1	-
#close	2026-11-20-19-21-35
