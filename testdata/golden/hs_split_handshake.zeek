#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-21-53
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202513.482340	1	192.0.2.108	40527	192.0.2.209	4290	tcp	0.014672	0	0	S0	-	-	Sa	1	1	-
1795202513.547354	1.2	192.0.2.209	4290	192.0.2.108	40527	tcp	0.280529	12	18	SF	-	-	ShAdDaFf	5	5	-
#close	2026-11-20-19-21-53
