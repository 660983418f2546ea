//! The rules about connections taken together, for the registry: what each means. The detectors of this folder decide when,
//! and report a rule by its name here.

use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Rule, When};

/// Names each rule and lists all of them: a rule that can be reported is in the registry.
macro_rules! rules {
    ($($name:ident = $rule:expr;)*) => {
        $(pub(in crate::detect) const $name: Rule = $rule;)*

        /// Rules about hosts.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    SYN_FLOOD = host(
        "syn-flood",
        Severity::Alert,
        "many SYNs to one service that neither complete nor are sent again",
        "Within 10 s at least 500 SYNs reached one address and port, at 100 a second or 5 times what is usual there, \
         whichever is more. At most 20 % completed, at least 50 were left without an end, and at most 30 % of those \
         not completed were sent again, as clients of a dead service would. A flood that is spread over many ports of \
         one host, or over the hosts of a network (/24, or /64 of IPv6), is one incident that names the host or the \
         network: it has at least 50 sources that hardly send anything, or asks for the same again and again; a scan asks \
         for each once or twice. Sources may be forged: filter by rate at the edge, check that SYN cookies are on, and see in the event how many of the other clients still got in.",
        "RFC 4987 section 2",
    );
    SYN_FLOOD_CUSUM = host(
        "syn-flood-cusum",
        Severity::Warn,
        "SYNs exceed completions for long enough (CUSUM)",
        "The sum of the excess of SYNs over completed handshakes of one service, relative to what is usual, \
         passed its threshold, after 20 s at least. It finds floods too slow for syn-flood; a service that fails its clients is \
         left out, because they try again.",
        "Wang, Zhang, Shin, INFOCOM 2002",
    );
    SYN_FLOOD_SPOOFED = host(
        "syn-flood-spoofed",
        Severity::Alert,
        "a flood whose sources are forged",
        "2 or more of: as many sources as SYNs, sources spread evenly, sources that cannot be on the internet, one \
         distance for all, sources that reset the SYN-ACK. Blocking source addresses does not help; SYN cookies do.",
        "RFC 4987 section 2; RFC 2827",
    );
    SYN_FLOOD_OUTBOUND = host(
        "syn-flood-outbound",
        Severity::Alert,
        "our own networks flood somebody with SYNs",
        "A SYN flood on a service outside, at least 80 % of which comes from networks that --local-net names, with \
         true or forged addresses. Find the hosts by their link addresses, and take them off the net.",
        "RFC 4987 section 2; Wang, Zhang, Shin, ICDCS 2002",
    );
    HALF_OPEN_ACCUMULATION = host(
        "half-open-accumulation",
        Severity::Warn,
        "embryonic connections pile up at a service",
        "At least 500 embryonic connections (SYN-ACK not acknowledged for 3 s) at one service within 30 s, or 50 of one source \
         at one service of which at most a quarter as many completed. They fill the backlog of the server, unless it \
         answers with SYN cookies, which bypass it (then a note). Look for a SYN flood, or for a path that loses the \
         third step of handshakes; turn SYN cookies on where they are off.",
        "RFC 4987 section 2",
    );
    CONNECTION_FLOOD = host(
        "connection-flood",
        Severity::Warn,
        "one source holds hundreds of open connections on which nothing is said",
        "At least 300 open connections of one source, or of one network of 24 bits (64 for IPv6), to one service that \
         have carried no octet for 10 s. Each holds memory at the server (Naptha, Sockstress). A pool that warms up \
         looks like it; look whether they are ever used.",
        "CERT CA-2000-21",
    );
    STATELESS_FLOOD = host(
        "stateless-flood",
        Severity::Alert,
        "a flood of segments that belong to no connection",
        "At least 250 segments in 1 s to one host, each with a four-tuple of its own, without a connection, and proved \
         stray: resets, or segments that the host answers by RST. Where most of the proof is such answers it must last \
         3 s or reach 1000 a second, because a server that was restarted also resets what its clients still send. \
         Without any proof it takes 1000 a second. Each port gets at least 4 of them; fewer are a scan. Where many hosts of a \
         network (/24, or /64 of IPv6) get them, the network is named, and 1000 a second must last 3 s. An ACK, \
         SYN-ACK, FIN or RST flood, or a storm of resets: filter segments without a connection in front of the host.",
        "RFC 9293 section 3.10.7.1",
    );
    SYNACK_REFLECTION = host(
        "synack-reflection",
        Severity::Alert,
        "one host gets SYN-ACKs from 100 servers it never asked",
        "Within 60 s SYN-ACKs came from 100 servers: somebody sends SYNs in this host's name to them, and they answer \
         to it. Filter SYN-ACKs without a connection at the edge.",
        "RFC 4732 section 2.3",
    );
    BACKSCATTER = host(
        "backscatter",
        Severity::Note,
        "a host sends answers to what nobody here asked",
        "At least 15 answers that nobody here asked for: SYN-ACKs that their receivers reset, or refusals of SYNs that \
         were never sent (to 3 hosts or more, or from 9 ports of that host in turn to one port); or 25 packets to 10 \
         hosts over 60 s without a reaction. Somebody floods that host with SYNs from forged addresses, ours among \
         them: it is a victim, not an attacker. The zombie of an idle scan gets such answers, too. A host that goes on \
         with connections of which only its direction is seen was asked, unseen: it is left out.",
        "Moore et al., ACM TOCS 2006",
    );
    SCAN_HORIZONTAL = host(
        "scan-horizontal",
        Severity::Warn,
        "one port of many hosts probed in vain",
        "At least 25 hosts on one port within 5 minutes that refused, did not answer, or were reset, by one source. If a \
         kernel made its connections, connections closed at once without a word count as well, and what may be ordinary \
         life is withheld for 75 s, or until observation ends: a set of targets asked for again and again at a period \
         (health checks), attempts whose twins of the other IP family come within 2.5 s, all of it silent from one moment \
         on (a dead uplink), and sources that use as many connections as fail are no scan. The event lists the hosts that \
         answered.",
        "Zeek misc/scan; Jung et al., IEEE S&P 2004",
    );
    SCAN_VERTICAL = host(
        "scan-vertical",
        Severity::Warn,
        "many ports of one host probed in vain",
        "At least 15 ports of one host within 5 minutes that refused, did not answer, or were reset, by one source. If a \
         kernel made its connections, fewer than 60 ports are withheld for 75 s as those of scan-horizontal are. The event \
         lists the ports that it found open.",
        "Zeek misc/scan; nmap manual, port scanning techniques",
    );
    SCAN_BLOCK = host(
        "scan-block",
        Severity::Warn,
        "several ports of several hosts probed in vain",
        "At least 25 pairs of host and port, of at least 5 hosts and 5 ports, with the same ports at several hosts, \
         within 15 minutes. The hosts and ports of such a grid are not told one by one.",
        "Zeek simple-scan; Staniford, Hoagland, McAlerney 2002",
    );
    SCAN_DISTRIBUTED = host(
        "scan-distributed",
        Severity::Warn,
        "ports of one host, or one port of many hosts, probed by several sources, a few each",
        "Within 5 minutes at least 15 ports of one host, or one port of at least 25 hosts, were probed in vain by at least 5 \
         sources with the same SYN, each of which stays below the threshold of a scan, and hardly any two of which probed \
         the same. Hosts on one port, probed by SYNs as kernels send them, must be of one network, and are a note. The \
         event lists sources and targets; it is over after 60 s of silence.",
        "Staniford, Hoagland, McAlerney: Practical automated detection of stealthy portscans, 2002",
    );
    SCAN_DECOY = host(
        "scan-decoy",
        Severity::Note,
        "the same probe from several sources at once",
        "Probes that are the same to the sequence number arrived from at least 3 sources within 50 ms, several times: a \
         scan with decoys (nmap -D). All but one source are forged; a real one resets or answers what it gets. What the scan \
         finds is told once, of the source that was seen to be real if one was, with all of them in sources.",
        "nmap manual, -D",
    );
    TRW_SCANNER = host(
        "trw-scanner",
        Severity::Warn,
        "first contacts fail far more often than they succeed",
        "Threshold random walk: the likelihood that a source whose first contacts with hosts fail like this is a \
         scanner exceeds 99 to 1. Of contacts made within 30 s more must have failed than succeeded: what fails is \
         known later. Where no local network is given it asks for 10 failures in excess and is a note.",
        "Jung et al., IEEE S&P 2004",
    );
    SCAN_SLOW = host(
        "scan-slow",
        Severity::Note,
        "failed attempts at many targets, a few an hour",
        "At least 25 distinct failed pairs of host and port within 24 h, of few hosts, of few ports, or of the same \
         ports at several hosts, too few at a time for a scan of another shape: one that tries to stay below thresholds, \
         or a host with a stale configuration. A source that uses more connections than fail is left out. It is over after \
         2 h without another attempt.",
        "Staniford, Hoagland, McAlerney: Practical automated detection of stealthy portscans, 2002",
    );
    TECH_SYN = host(
        "tech-syn",
        Severity::Warn,
        "ports probed by SYN without completing",
        "The source sends SYNs and resets whatever answers, or sends them as no operating system does. The servers' \
         applications do not see it.",
        "nmap manual, -sS",
    );
    TECH_CONNECT = host(
        "tech-connect",
        Severity::Warn,
        "ports probed by full connections that are closed unused",
        "The source completes handshakes with a normal stack, says nothing and closes at once: at 8 ports or more of \
         one host within 5 minutes, at least half of which refuse it or do not answer. The servers' applications log \
         it.",
        "nmap manual, -sT",
    );
    TECH_FIN = host(
        "tech-fin",
        Severity::Warn,
        "probes with FIN alone",
        "No TCP sends FIN without ACK. A closed port answers by RST, an open one does not: a FIN scan.",
        "RFC 9293 section 3.10.7; nmap manual, -sF",
    );
    TECH_NULL = host(
        "tech-null",
        Severity::Warn,
        "probes without any flag",
        "No TCP sends a segment without flags. A closed port answers by RST, an open one does not: a NULL \
         scan.",
        "RFC 9293 section 3.10.7; nmap manual, -sN",
    );
    TECH_XMAS = host(
        "tech-xmas",
        Severity::Warn,
        "probes with FIN, PSH and URG",
        "No TCP sends these flags without ACK. A closed port answers by RST, an open one does not: an Xmas \
         scan.",
        "RFC 9293 section 3.10.7; nmap manual, -sX",
    );
    TECH_MAIMON = host(
        "tech-maimon",
        Severity::Warn,
        "probes with FIN and ACK out of any connection",
        "Within 60 s FIN+ACK segments without a connection came from one source port to at least 3 ports that answered \
         by RST (or to 10 that did not), or 10 ports of one host answered by RST.",
        "nmap manual, -sM",
    );
    TECH_ACK_OR_WINDOW = host(
        "tech-ack-or-window",
        Severity::Warn,
        "probes with ACK alone out of any connection",
        "Within 60 s bare ACKs without a connection came from one source port to at least 3 ports that answered by RST \
         (or to 10 that did not), or 10 ports of one host answered by RST. The source maps which ports a filter lets \
         through (ACK scan), or reads the window of the RST (window scan); on the wire they are the same.",
        "nmap manual, -sA, -sW",
    );
    TECH_SYNACK = host(
        "tech-synack",
        Severity::Warn,
        "probes with SYN+ACK out of any connection",
        "Within 60 s SYN-ACKs that nobody had asked for came from one client's port to at least 5 server ports that \
         answered by RST, or to 10 ports of one host. The source learns which hosts are up and what a filter without \
         state lets through.",
        "nmap manual, --scanflags",
    );
    TECH_ODD_FLAGS = host(
        "tech-odd-flags",
        Severity::Note,
        "probes with other flags than a connection begins with",
        "At least three ports got segments without data whose flags no connection has (PSH or URG alone, SYN with FIN or \
         RST), or, as often as for an ACK scan, ACK with PSH or URG out of any connection. The figure flags names them. What \
         was probed by them is told as a scan when it is enough.",
        "RFC 9293 section 3.10.7; nmap manual, --scanflags",
    );
    TECH_INVERSE_RST = host(
        "tech-inverse-rst",
        Severity::Warn,
        "resets to many ports, out of any connection",
        "Within 60 s at least 10 ports of one host got a bare RST without a connection. Hosts that do not exist are \
         told by routers (ICMP); what exists stays silent: inverse mapping.",
        "RFC 9293 section 3.10.7.1; RFC 792",
    );
    IDLE_SCAN_ZOMBIE = host(
        "idle-scan-zombie",
        Severity::Alert,
        "a host whose IP identification is read for somebody else's scan",
        "A prober sends unasked SYN-ACKs to this host and reads its IP identification from the resets, while \
         another host sends it SYN-ACKs too, for SYNs forged in its name: an idle scan of that other host.",
        "nmap manual, -sI",
    );
    IDLE_SCAN_TARGET = host(
        "idle-scan-target",
        Severity::Alert,
        "SYNs of a host come from elsewhere than its resets",
        "The SYNs of a scan come from another distance than the resets of the same address, and that address \
         numbers its packets with one counter: it is probably the zombie of an idle scan, and not the \
         scanner.",
        "nmap manual, -sI",
    );
    IPID_GLOBAL_COUNTER = host(
        "ipid-global-counter",
        Severity::Note,
        "a host numbers its packets with one counter for all peers",
        "The IP identification rises by small steps whoever the packet goes to. Others can count its packets, \
         and use it as the zombie of an idle scan.",
        "RFC 7739 section 1; RFC 6274 section 3.5.2.1",
    );
    FP_NMAP = host(
        "fp-nmap",
        Severity::Warn,
        "packets of nmap's raw scans",
        "At least three SYNs to different targets with window 1024 (older: 2048 to 4096), an MSS of 1460 (over IPv6 also 1440) \
         as the only option, and no don't-fragment bit, none of them used for data: small devices send such SYNs, too.",
        "nmap scan_engine_raw.cc",
    );
    FP_NMAP_OS = host(
        "fp-nmap-os",
        Severity::Warn,
        "packets of nmap's operating-system detection",
        "At least 3 of the probes of nmap -O: timestamps of all ones, and its series of windows and MSS values.",
        "nmap osscan2.cc",
    );
    FP_ZMAP = host(
        "fp-zmap",
        Severity::Warn,
        "packets of zmap",
        "At least 3 SYNs with identification 54321 and window 65535, or 10 as newer versions send them.",
        "zmap probe_modules",
    );
    FP_MASSCAN = host(
        "fp-masscan",
        Severity::Warn,
        "packets of masscan",
        "At least 3 SYNs whose identification is the destination, port and sequence number folded together.",
        "masscan templ-pkt.c",
    );
    FP_MIRAI = host(
        "fp-mirai",
        Severity::Warn,
        "packets of the Mirai family",
        "At least 3 SYNs whose sequence number is the destination's address.",
        "Antonakakis et al., USENIX Security 2017",
    );
    FP_HPING = host(
        "fp-hping",
        Severity::Warn,
        "packets of hping3",
        "At least 3 SYNs with window 512, no options and no don't-fragment bit.",
        "measured with hping3",
    );
    FP_P0FSENDSYN = host(
        "fp-p0fsendsyn",
        Severity::Warn,
        "packets of p0f-sendsyn",
        "At least 3 SYNs with window 1337 and MSS 1331.",
        "p0f tools/p0f-sendsyn.c",
    );
    REFUSED_BURST = host(
        "refused-burst",
        Severity::Note,
        "20 refusals within 10 s",
        "At least 20 attempts of one source, or at one service, were refused by RST within 10 s: a service restarts, a \
         configuration is stale, or somebody scans.",
        "RFC 9293 section 3.5.2",
    );
    UNANSWERED_BURST = host(
        "unanswered-burst",
        Severity::Note,
        "20 hosts do not answer one source within 10 s",
        "At least 20 distinct hosts did not answer one source's SYNs within 10 s: its uplink is dead, or it scans.",
        "RFC 9293 section 3.8.3",
    );
    SERVICE_UNREACHABLE = host(
        "service-unreachable",
        Severity::Warn,
        "a service fails at least 20 clients",
        "At least 20 clients within 60 s, hardly any of whom got in, and which either try again or are all refused: an \
         outage, not a flood.",
        "RFC 9293 section 3.8.3; RFC 4987 section 2",
    );
    SERVICE_OUTAGE = host(
        "service-outage",
        Severity::Warn,
        "a service that worked fails its clients",
        "From 20 attempts and 3 s on: refused, silent although the client tried again, or reset as soon as they were open, with hardly \
         any success in between. The service was seen to work before or after, or at least 5 clients that get on well with others fail \
         there. Below 5 clients it is a note. The figures say what became of attempts, whom it hit and what is probably gone (kind): \
         process-gone, host-gone, path-gone, filtered or overload. It is told again when it is over. Start with what kind names: the \
         process, the host, the route, the filter, the load.",
        "RFC 9293 sections 3.5.2 and 3.8.3; RFC 792",
    );
    RST_BURST_SERVER = host(
        "rst-burst-server",
        Severity::Note,
        "resets of open connections by one host, far above what is usual",
        "At least 50 resets within 10 s in one host's name of connections that were open, and 5 times as many as \
         usual. A deployment, a crash, or somebody forges them.",
        "RFC 5961 section 3",
    );
    ISN_CONSTANT = host(
        "isn-constant",
        Severity::Alert,
        "a host's initial sequence number is always the same",
        "On distinct connections the number never changes. Whoever knows it can forge connections and data in \
         the name of the host's peers.",
        "RFC 6528 section 1",
    );
    ISN_REPEAT = host(
        "isn-repeat",
        Severity::Alert,
        "a host's initial sequence numbers repeat",
        "Numbers of distinct connections are equal more often than chance allows (p at most 1e-8).",
        "RFC 6528 section 1",
    );
    ISN_GCD = host(
        "isn-gcd",
        Severity::Warn,
        "a host's initial sequence numbers share a divisor",
        "All differences are multiples of one number. Where that is the step of each connection, the next \
         number is known, and so is how many connections the host takes.",
        "RFC 6528 section 1; nmap GCD",
    );
    ISN_TIME_LINEAR = host(
        "isn-time-linear",
        Severity::Alert,
        "a host's initial sequence numbers follow a clock or a counter",
        "Numbers of distinct connections lie on a line, or each a little above the one before. Severity by \
         the numbers that are left to guess: alert up to 2^16, warn up to 2^22, note up to 2^28.",
        "RFC 6528 section 1; RFC 9293 section 3.4.1",
    );
    ISN_STUCK_BITS = host(
        "isn-stuck-bits",
        Severity::Warn,
        "bits of a host's initial sequence numbers never change",
        "Some bits are the same in all numbers; only the others are left to guess.",
        "RFC 6528 section 3",
    );
    ISN_MIRRORS_PEER = host(
        "isn-mirrors-peer",
        Severity::Warn,
        "a server's initial sequence number is a fixed distance from the client's",
        "The number is computed from the client's and nothing else. SYN proxies and honeypots do so.",
        "RFC 6528 section 3",
    );
    ISN_FROM_ADDRESS = host(
        "isn-from-address",
        Severity::Warn,
        "a client's initial sequence number is a fixed distance from the server's address",
        "The number is computed from the address that is asked, as the Mirai family does.",
        "RFC 6528 section 3",
    );
    ISN_LOW_SP = host(
        "isn-low-sp",
        Severity::Note,
        "nmap would find a host's initial sequence numbers easy to guess",
        "4 to 6 connections 0.1 s apart give an SP, by nmap's reckoning, below C0h (note, from 6 on), 80h (warn) or \
         10h (alert); random numbers give about 104h.",
        "nmap osscan2.cc, makeTSeqFP",
    );
    ISN_ATTRACTOR = host(
        "isn-attractor",
        Severity::Warn,
        "a host's initial sequence numbers come from a simple generator",
        "Each number follows from those before it: differences of neighbours are a constant times the difference \
         before (a linear congruential generator). They look random and are known to whoever sees 3 of them.",
        "Zalewski 2001; RFC 6528 section 3",
    );
    ISN_REGRESSION = host(
        "isn-regression",
        Severity::Note,
        "a four-tuple used again with a lower sequence number",
        "The new connection's numbers begin below those the old one had reached, and there are no timestamps \
         to tell old duplicates: the server may take them for old ones.",
        "RFC 9293 section 3.4.1; RFC 6191",
    );
    ISN_SCHEME = host(
        "isn-scheme",
        Severity::Info,
        "a host's clock for initial sequence numbers",
        "On re-used four-tuples the number rises with a clock of 64 ns (Linux) or 4 us (RFC 9293): as it \
         should.",
        "RFC 6528 section 3",
    );
    PORT_SEQUENTIAL = host(
        "port-sequential",
        Severity::Info,
        "a client takes its source ports in order",
        "8 successive connections came from rising ports, 1 to 8 apart. Others can guess the next.",
        "RFC 6056 section 3",
    );
    PORT_EXHAUSTION = host(
        "port-exhaustion",
        Severity::Warn,
        "a client runs out of source ports",
        "At least 20 four-tuples to one service were used again within 60 s of their close: the client has no ports \
         left that are not in TIME-WAIT. Keep connections open, or widen the range.",
        "RFC 6056 section 3.2; RFC 9293 section 3.6.1",
    );
    CHALLENGE_ACK_FLOOD = host(
        "challenge-ack-flood",
        Severity::Alert,
        "a server is made to send challenge ACKs",
        "At least 50 challenge ACKs of one server to one peer within 1 s. On kernels with one counter for all this \
         tells an attacker about other connections (CVE-2016-5696). 10 on one connection within 5 s are a note: \
         somebody guesses at its sequence numbers, or a NAT has confused two connections.",
        "RFC 5961 section 7; CVE-2016-5696",
    );
    SERVER_COOKIE_MODE = host(
        "server-cookie-mode",
        Severity::Warn,
        "a server answers with SYN cookies",
        "The timestamps of at least 6 SYN-ACKs stood back behind the server's clock, all to where their last 6 bits hold \
         the client's window scale, SACK and ECN, as Linux cookies have them (chance at most 1e-7). Or within 10 s, on at \
         least 3 re-used four-tuples, the server's number moved exactly as the client's did. Or it stopped taking the \
         options of at least 3 clients without timestamps, and at least 3 embryonic connections saw no second SYN-ACK, \
         which it used to send. Mode overflow: its backlog is full (look for a SYN flood; enlarge the backlog if the load \
         is honest). Mode always: every connection has a cookie (info; see net.ipv4.tcp_syncookies); prepared: every \
         number is one, as of FreeBSD, and used once its cache is full (info). Clients without \
         timestamps lose window scaling and SACK meanwhile.",
        "RFC 4987 section 3.6; Linux net/ipv4/syncookies.c",
    );
    LOAD_BALANCED = host(
        "load-balanced",
        Severity::Info,
        "several hosts answer at one address and port, in turn",
        "At least 12 SYNs of one kind were answered by SYN-ACKs that differ in turn, as those of one host do not: initial \
         TTL, MSS, window, window scale, order of the options. Two at least differ, and neither is what a path changes or \
         a SYN cookie leaves out. Each has 4 answers and a tenth of all at least. A load balancer, anycast, or a device \
         that answers for some. The hosts are not set alike: compare their MTU, their TTL and their TCP settings.",
        "p0f 3, load balancers; RFC 9293 section 3.1",
    );
    SYN_RATE_LIMITED = host(
        "syn-rate-limited",
        Severity::Note,
        "a service answers so many SYNs a second, however many come",
        "For at least 6 s the number of SYN-ACKs each second has not changed, although clearly more SYNs came; loss at \
         random scatters more (chance at most 1e-6). SYNs that are sent again are answered like others, or only the first \
         of each second are. Clients get in 1 s or more late, or not at all. Something before the service limits the rate \
         of SYNs (a firewall, a filter against floods, a cloud's limit of new connections): raise it, or keep connections \
         open.",
        "RFC 9293 section 3.8.3",
    );
    SERVER_REFUSES_OPTIONS = host(
        "server-refuses-options",
        Severity::Note,
        "a server refuses an option that its clients offer",
        "At least 20 connections of 2 clients or more offered window scaling, SACK or timestamps, and 90 % of the \
         SYN-ACKs came without: an old or badly set server, one that sends SYN cookies, or a device before it that \
         strips options. Throughput suffers on long or lossy paths.",
        "RFC 7323 section 2.2; RFC 2018 section 2",
    );
    ECN_BLACKHOLE = host(
        "ecn-blackhole",
        Severity::Warn,
        "SYNs that offer ECN get no answer, the same SYNs without it do",
        "3 connections in a row to one server opened within 1 s once the client left ECN out of its SYN, and none with \
         it. A device on the path drops such SYNs; every connection loses 1 s or more. Find the device, or switch ECN \
         off at the clients.",
        "RFC 3168 section 6.1.1.1",
    );
    MSS_CLAMPED = host(
        "mss-clamped",
        Severity::Info,
        "different systems of one network all have the same odd maximum segment size",
        "At least 20 connections in a row of at least 2 systems in one network of 24 bits (64 for IPv6) carry the same \
         MSS, and it is not that of an ordinary link: somebody on the path sets it, because of PPPoE, a tunnel or a \
         VPN.",
        "RFC 9293 section 3.7.1",
    );
    TS_CLOCK_SPLIT = host(
        "ts-clock-split",
        Severity::Note,
        "the timestamps of one address follow two clocks",
        "Connections of one address to one host carry timestamps that lie on 2 lines, 3 connections or more on each, \
         in turn. Several hosts share the address (NAT, a load balancer, a virtual machine that was moved).",
        "RFC 7323 section 5.4; p0f",
    );
    NAT_SUSPECT = host(
        "nat-suspect",
        Severity::Note,
        "SYNs of one address come from different systems in turn",
        "At least 3 times among 32 SYNs the order of the options, the initial TTL or the distance changed as no one \
         system changes them. Several hosts share the address.",
        "p0f, NAT detection",
    );
    TS_UPTIME = host(
        "ts-uptime",
        Severity::Info,
        "a host's clock for timestamps tells when it was started",
        "The timestamps of at least 3 connections to one host lie on one line for 30 s or more: one clock for all, \
         which usually begins at zero. Newer systems add a random offset for each peer or connection and do not show.",
        "RFC 7323 section 7.1; p0f",
    );
    OPTION_DRIFT = host(
        "option-drift",
        Severity::Note,
        "a server's SYN-ACKs have changed",
        "Options, MSS, window scale or distance of a server's SYN-ACKs were the same on at least 16 \
         connections, and are the same on 16 since, but different ones. Another host answers, or a middlebox \
         came between.",
        "p0f 3; RFC 9293 section 3.1",
    );
}

const fn host(
    id: &'static str,
    severity: Severity,
    summary: &'static str,
    description: &'static str,
    reference: &'static str,
) -> Rule {
    Rule { id, severity, scope: Scope::Host, summary, description, reference, when: When::Host, check: |_| None }
}
