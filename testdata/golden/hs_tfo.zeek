#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-20-19-21-50
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	history	orig_pkts	resp_pkts	vlan
#types	time	string	addr	port	addr	port	enum	interval	count	count	string	bool	bool	string	count	count	int
1795202510.049257	1	198.51.100.186	38447	192.0.2.67	27007	tcp	0.336384	44	400	SF	-	-	ShDadFfA	4	5	-
1795202510.512672	2	198.51.100.186	42287	192.0.2.67	27007	tcp	0.322531	44	400	SF	-	-	SThAdFaf	5	4	-
1795202510.962090	3	198.51.100.186	52976	192.0.2.67	27007	tcp	0.322398	44	400	SF	-	-	SThAdFaf	5	4	-
#close	2026-11-20-19-21-51
