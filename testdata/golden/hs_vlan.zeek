#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-22-05
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202525.502890	1	198.51.100.179	51630	198.51.100.113	28871	tcp	0.275806	44	740	SF	-	-	ShADadFf	6	5	1839
1795202525.898409	2	2001:db8:b4f0::1404	48470	2001:db8:e752::da1b	17915	tcp	0.004239	0	0	REJ	-	-	Sr	1	1	1839
#close	2026-11-20-19-22-05
