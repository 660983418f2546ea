//! The rules about connections taken together, for the registry: what each means. The detectors of this folder decide
//! when, and report a rule by its name here.

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
        "many SYNs to one service that neither complete nor are retransmitted",
        "Within 10 s at least 500 SYNs reached one address and port, at 100 a second or 5 times what is usual there, \
         whichever is more. At most 20 % completed, at least 50 had no outcome, and at most 30 % of those not \
         completed were sent again, as clients of a dead service would. A flood that is spread over many ports of one \
         host, or over the hosts of a network (/24, or /64 of IPv6), is one incident that names the host or the \
         network: it has at least 50 sources with few packets each, or repeats the same targets; a scan probes each \
         target once or twice. Pulses with less than 60 s between them are one incident, which counts them. Sources \
         may be forged: limit the rate at the edge, and check that SYN cookies are on. The event reports how many \
         other clients still connected.",
        "RFC 4987 section 2",
    );
    SYN_FLOOD_CUSUM = host(
        "syn-flood-cusum",
        Severity::Warn,
        "SYNs exceed completions for long enough (CUSUM)",
        "The cumulative excess of SYNs over completed handshakes of one service, relative to its usual level, \
         exceeded the threshold, after 20 s at least. It finds floods too slow for syn-flood; a failing service is \
         excluded, because its clients retry.",
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
        "a SYN flood from the local networks",
        "A SYN flood on a service outside, at least 80 % of which comes from networks that --local-net names, with \
         true or forged addresses. Find the hosts by their link addresses, and disconnect them.",
        "RFC 4987 section 2; Wang, Zhang, Shin, ICDCS 2002",
    );
    HALF_OPEN_ACCUMULATION = host(
        "half-open-accumulation",
        Severity::Warn,
        "embryonic connections pile up at a service",
        "At least 500 embryonic connections (SYN-ACK not acknowledged for 3 s) at one service within 30 s, or 50 of \
         one source at one service, with at most a quarter as many completed. They fill the backlog of the server, \
         unless it answers with SYN cookies, which bypass it (then a note). Look for a SYN flood, or for a path that \
         loses the third step of handshakes; turn SYN cookies on where they are off.",
        "RFC 4987 section 2",
    );
    CONNECTION_FLOOD = host(
        "connection-flood",
        Severity::Warn,
        "one source holds hundreds of open connections without any data",
        "At least 300 open connections of one source, of one network of 24 bits (64 for IPv6), or of 10 sources and \
         more, to one service that have carried no octet for 10 s; from many sources only where hardly any connection \
         is used. The same number on which one source sends a few octets now and then, from 3 s after the handshake \
         on, and the server nothing (Slowloris). Each holds memory at the server (Naptha, Sockstress). A connection \
         pool that starts up looks the same; check whether the connections are used later.",
        "CERT CA-2000-21",
    );
    STATELESS_FLOOD = host(
        "stateless-flood",
        Severity::Alert,
        "a flood of segments that belong to no connection",
        "At least 250 segments in 1 s to one host, each with a four-tuple of its own, without a connection, and \
         proved stray: resets, or segments that the host answers by RST. If most of the proof is such answers, the \
         flood must last 3 s or reach 1000 a second, because a restarted server also resets segments of its former \
         clients. Without any proof the threshold is 1000 a second. Each port gets at least 4 of them; fewer are a \
         scan. Where many hosts of a network (/24, or /64 of IPv6) get them, the network is named, and 1000 a second \
         must last 3 s. After a minute with fewer than 50 a second the flood is over, and its totals are reported. An \
         ACK, SYN-ACK, FIN or RST flood, or a storm of resets: filter segments without a connection \
         in front of the host.",
        "RFC 9293 section 3.10.7.1",
    );
    SYNACK_REFLECTION = host(
        "synack-reflection",
        Severity::Alert,
        "one host receives unsolicited SYN-ACKs from 100 servers",
        "Within 60 s SYN-ACKs came from 100 servers: somebody sends SYNs with this host's address to them, and they \
         answer this host. Filter SYN-ACKs without a connection at the edge.",
        "RFC 4732 section 2.3",
    );
    BACKSCATTER = host(
        "backscatter",
        Severity::Note,
        "a host sends responses to connections not seen here",
        "At least 15 unsolicited responses: SYN-ACKs that their receivers reset, or refusals of SYNs that were never \
         sent (to 3 hosts or more, or from 9 ports of that host in turn to one port); or 25 packets to 10 hosts over \
         60 s without a reaction. Somebody floods that host with SYNs from forged addresses, including local ones: the \
         host is a victim, not an attacker. The zombie of an idle scan receives such responses, too. A host with \
         connections that are seen in its direction only is excluded.",
        "Moore et al., ACM TOCS 2006",
    );
    SCAN_HORIZONTAL = host(
        "scan-horizontal",
        Severity::Warn,
        "failed probes of one port on many hosts",
        "At least 25 hosts on one port within 5 minutes that refused, did not answer, or were reset, by one source. \
         For sources with an ordinary kernel, connections closed at once without data count as well, and a possible \
         benign cause delays the report by up to 75 s, or makes it a note until then. Not scans are: periodic attempts \
         at the same targets (health checks), attempts repeated over the other IP family within 2.5 s, sources whose \
         attempts all fail from one moment on or up to one (a dead uplink), attempts at hosts that have just connected \
         to the source, and sources that use as many connections as fail. The report stays a note where nearly all \
         targets are open (one round of checks), or where one connection is used for ten that fail or more (a search \
         for peers). Further ports of the same hosts belong to the same incident. The event lists the hosts that \
         answered.",
        "Zeek misc/scan; Jung et al., IEEE S&P 2004",
    );
    SCAN_VERTICAL = host(
        "scan-vertical",
        Severity::Warn,
        "failed probes of many ports on one host",
        "At least 15 ports of one host within 5 minutes that refused, did not answer, or were reset, by one source. \
         For sources with an ordinary kernel, fewer than 60 ports are reported only after 75 s, as in scan-horizontal. \
         The event lists the open ports.",
        "Zeek misc/scan; nmap manual, port scanning techniques",
    );
    SCAN_BLOCK = host(
        "scan-block",
        Severity::Warn,
        "failed probes of several ports on several hosts",
        "At least 25 pairs of host and port, of at least 5 hosts and 5 ports, with the same ports at several hosts, \
         within 15 minutes. The hosts and ports of such a grid are not reported one by one.",
        "Zeek simple-scan; Staniford, Hoagland, McAlerney 2002",
    );
    SCAN_DISTRIBUTED = host(
        "scan-distributed",
        Severity::Warn,
        "ports of one host, or one port of many hosts, probed by several sources with few probes each",
        "Within 5 minutes at least 15 ports of one host, or one port of at least 25 hosts, were probed without \
         success by at least 5 sources with the same kind of SYN. Each source stays below the scan threshold, and few \
         targets have two sources. Hosts on one port, probed by kernel SYNs, must be in one network, and are a note; \
         where such SYNs open more connections than fail, nothing is reported. \
         The event lists sources and targets, and ends after 60 s of silence.",
        "Staniford, Hoagland, McAlerney: Practical automated detection of stealthy portscans, 2002",
    );
    SCAN_DECOY = host(
        "scan-decoy",
        Severity::Note,
        "the same probe from several sources at once",
        "Probes that are the same to the sequence number arrived from at least 3 sources within 50 ms, several times: \
         a scan with decoys (nmap -D). All sources but one are forged; the real one resets or answers the responses. \
         The scan is reported once, for the source proved real if there is one, with all sources in sources.",
        "nmap manual, -D",
    );
    TRW_SCANNER = host(
        "trw-scanner",
        Severity::Warn,
        "first contacts fail far more often than they succeed",
        "Threshold random walk: the likelihood that a source whose first contacts with hosts fail like this is a \
         scanner exceeds 99 to 1. Among the contacts of 30 s, failures must exceed successes, as failures are known \
         later. Without --local-net the rule requires an excess of 10 failures and is a note.",
        "Jung et al., IEEE S&P 2004",
    );
    SCAN_SLOW = host(
        "scan-slow",
        Severity::Note,
        "failed attempts at many targets, a few per hour",
        "At least 25 distinct failed pairs of host and port within 24 h, of few hosts, of few ports, or of the same \
         ports at several hosts, too slow for another scan rule: a scan that stays below thresholds, or a host with a \
         stale configuration. A source with more successful than failed connections is excluded. The scan ends after 2 \
         h without another attempt.",
        "Staniford, Hoagland, McAlerney: Practical automated detection of stealthy portscans, 2002",
    );
    TECH_SYN = host(
        "tech-syn",
        Severity::Warn,
        "ports probed by SYNs without completing the handshake",
        "The source sends SYNs and resets every answer, or its SYNs match no operating system. The servers' \
         applications do not see the scan.",
        "nmap manual, -sS",
    );
    TECH_CONNECT = host(
        "tech-connect",
        Severity::Warn,
        "ports probed by complete connections that are closed without data",
        "The source completes handshakes with an ordinary stack, sends no data and closes at once: at 8 ports or more \
         of one host within 5 minutes, at least half of which refuse it or do not answer. The servers' applications \
         log it.",
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
        "Within 60 s unsolicited SYN-ACKs came from one client's port to at least 5 server ports that answered by \
         RST, or to 10 ports of one host. The source learns which hosts are up and which packets a stateless filter \
         passes.",
        "nmap manual, --scanflags",
    );
    TECH_ODD_FLAGS = host(
        "tech-odd-flags",
        Severity::Note,
        "probes with flags that begin no connection",
        "At least three ports got segments without data whose flags no connection has (PSH or URG alone, SYN with FIN \
         or RST), or, as often as for an ACK scan, ACK with PSH or URG out of any connection. The figure flags names \
         them. Enough probed targets are reported as a scan.",
        "RFC 9293 section 3.10.7; nmap manual, --scanflags",
    );
    TECH_INVERSE_RST = host(
        "tech-inverse-rst",
        Severity::Warn,
        "resets to many ports, out of any connection",
        "Within 60 s at least 10 ports of one host got a bare RST without a connection. Routers report hosts that do \
         not exist by ICMP; existing hosts stay silent. This is inverse mapping.",
        "RFC 9293 section 3.10.7.1; RFC 792",
    );
    IDLE_SCAN_ZOMBIE = host(
        "idle-scan-zombie",
        Severity::Alert,
        "a host whose IP identification serves an idle scan",
        "A prober sends unsolicited SYN-ACKs to this host and reads its IP identification from the resets, while \
         another host sends it SYN-ACKs too, for SYNs forged in its name: an idle scan of that other host.",
        "nmap manual, -sI",
    );
    IDLE_SCAN_TARGET = host(
        "idle-scan-target",
        Severity::Alert,
        "SYNs with a host's address come from another distance than its resets",
        "The SYNs of a scan come from another distance than the resets of the same address, and that address \
         numbers its packets with one counter: it is probably the zombie of an idle scan, and not the \
         scanner.",
        "nmap manual, -sI",
    );
    IPID_GLOBAL_COUNTER = host(
        "ipid-global-counter",
        Severity::Note,
        "a host numbers its packets with one counter for all peers",
        "The IP identification rises by small steps for all destinations. Others can count its packets, and use it as \
         the zombie of an idle scan.",
        "RFC 7739 section 1; RFC 6274 section 3.5.2.1",
    );
    FP_NMAP = host(
        "fp-nmap",
        Severity::Warn,
        "packets of nmap's raw scans",
        "At least three SYNs to different targets with window 1024 (older: 2048 to 4096), an MSS of 1460 (over IPv6 \
         also 1440) as the only option, and no don't-fragment bit. Sources that use such connections for data are \
         excluded: small devices send such SYNs, too.",
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
        "At least 20 attempts of one source, or at one service, were refused by RST within 10 s: causes are a \
         restarted service, a stale configuration or a scan.",
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
        "At least 20 clients within 60 s, almost all failed, and either retried or were all refused: an outage, not a \
         flood. Where service-outage is reported of the same service, this is not.",
        "RFC 9293 section 3.8.3; RFC 4987 section 2",
    );
    SERVICE_OUTAGE = host(
        "service-outage",
        Severity::Warn,
        "a working service starts to fail",
        "From 20 attempts and 3 s on: refused, silent although the client tried again, or reset as soon as they were \
         open, with almost no success in between. The service worked before or after, or at least 5 clients fail there \
         that succeed elsewhere. Below 5 clients it is a note. The figures give the outcomes, the affected clients and \
         the probable cause (kind): process-gone, host-gone, path-gone, filtered or overload. Silent services of one \
         host, of 3 hosts of a network (/24, or /64 of IPv6), or of 4 hosts lost within 5 s are one outage, with the \
         number of services and hosts and their list. The end is reported as well. Start with the cause in \
         kind: the process, the host, the route, the filter or the load.",
        "RFC 9293 sections 3.5.2 and 3.8.3; RFC 792",
    );
    RST_BURST_SERVER = host(
        "rst-burst-server",
        Severity::Note,
        "a host resets far more open connections than usual",
        "At least 50 resets within 10 s in one host's name of connections that were open, and 5 times as many as \
         usual. Causes are a deployment, a crash or forged resets.",
        "RFC 5961 section 3",
    );
    ISN_CONSTANT = host(
        "isn-constant",
        Severity::Alert,
        "a host's initial sequence number is always the same",
        "The number is the same on all connections. Anybody who knows it can forge connections and data in the name \
         of the host's peers.",
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
        "All differences are multiples of one number. If that number is the step per connection, the next number is \
         predictable, and the number of connections is public.",
        "RFC 6528 section 1; nmap GCD",
    );
    ISN_TIME_LINEAR = host(
        "isn-time-linear",
        Severity::Alert,
        "a host's initial sequence numbers follow a clock or a counter",
        "Numbers of distinct connections lie on a line, or each a little above the one before. The severity depends \
         on the remaining candidates: alert up to 2^16, warn up to 2^22, note up to 2^28.",
        "RFC 6528 section 1; RFC 9293 section 3.4.1",
    );
    ISN_STUCK_BITS = host(
        "isn-stuck-bits",
        Severity::Warn,
        "bits of a host's initial sequence numbers never change",
        "Some bits are the same in all numbers; an attacker guesses only the other bits.",
        "RFC 6528 section 3",
    );
    ISN_MIRRORS_PEER = host(
        "isn-mirrors-peer",
        Severity::Warn,
        "a server's initial sequence number is a fixed distance from the client's",
        "The number is computed only from the client's. SYN proxies and honeypots do so.",
        "RFC 6528 section 3",
    );
    ISN_FROM_ADDRESS = host(
        "isn-from-address",
        Severity::Warn,
        "a client's initial sequence number is a fixed distance from the server's address",
        "The number is computed from the destination address, as in the Mirai family.",
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
         before (a linear congruential generator). The numbers look random, but 3 of them predict all others.",
        "Zalewski 2001; RFC 6528 section 3",
    );
    ISN_REGRESSION = host(
        "isn-regression",
        Severity::Note,
        "a four-tuple used again with a lower sequence number",
        "The new connection's numbers begin below the last ones of the old connection, without timestamps to reject \
         old duplicates: the server may treat new segments as old.",
        "RFC 9293 section 3.4.1; RFC 6191",
    );
    ISN_SCHEME = host(
        "isn-scheme",
        Severity::Info,
        "a host's clock of initial sequence numbers",
        "On re-used four-tuples the number rises with a clock of 64 ns (Linux) or 4 us (RFC 9293), which is correct.",
        "RFC 6528 section 3",
    );
    PORT_SEQUENTIAL = host(
        "port-sequential",
        Severity::Info,
        "a client uses sequential source ports",
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
        "somebody provokes many challenge ACKs from a server",
        "At least 50 challenge ACKs of one server to one peer within 1 s. On kernels with one global counter an \
         attacker learns about other connections (CVE-2016-5696). 10 on one connection within 5 s are a note: somebody \
         guesses its sequence numbers, or a NAT mixed up two connections.",
        "RFC 5961 section 7; CVE-2016-5696",
    );
    SERVER_COOKIE_MODE = host(
        "server-cookie-mode",
        Severity::Warn,
        "a server answers with SYN cookies",
        "The timestamps of at least 6 SYN-ACKs stood back behind the server's clock, all to where their last 6 bits \
         hold the client's window scale, SACK and ECN, as Linux cookies have them (chance at most 1e-7). Or within 10 \
         s, on at least 3 re-used four-tuples, the server's number moved exactly as the client's did. Or it stopped \
         taking the options of at least 3 clients without timestamps, and at least 3 embryonic connections saw no \
         second SYN-ACK, which it used to send. Mode overflow: its backlog is full (look for a SYN flood; enlarge the \
         backlog if the load is honest). Mode always: every connection has a cookie (info; see \
         net.ipv4.tcp_syncookies); prepared: every number is one, as of FreeBSD, and used once its cache is full \
         (info). Clients without timestamps lose window scaling and SACK meanwhile.",
        "RFC 4987 section 3.6; Linux net/ipv4/syncookies.c",
    );
    LOAD_BALANCED = host(
        "load-balanced",
        Severity::Info,
        "several hosts answer at one address and port, in turn",
        "At least 12 SYNs of one kind were answered by alternating kinds of SYN-ACKs, unlike those of one host: \
         initial TTL, MSS, window, window scale, order of the options. Two at least differ, and neither is what a path \
         changes or a SYN cookie leaves out. Each has 4 answers and a tenth of all at least. Causes are a load \
         balancer, anycast, or a device that answers some SYNs. The hosts are configured differently: compare their \
         MTU, TTL and TCP settings.",
        "p0f 3, load balancers; RFC 9293 section 3.1",
    );
    SYN_RATE_LIMITED = host(
        "syn-rate-limited",
        Severity::Note,
        "a service answers a fixed number of SYNs per second, regardless of the load",
        "For at least 6 s the number of SYN-ACKs each second has not changed, although clearly more SYNs came; loss \
         at random scatters more (chance at most 1e-6). Retransmitted SYNs are answered like others, or only the first \
         SYNs of each second are. Clients connect 1 s or more late, or not at all. A device before the service limits \
         the rate of SYNs (a firewall, a flood filter, a cloud's limit of new connections): raise the limit, or keep \
         connections open.",
        "RFC 9293 section 3.8.3",
    );
    SERVER_REFUSES_OPTIONS = host(
        "server-refuses-options",
        Severity::Note,
        "a server refuses an option that its clients offer",
        "At least 20 connections of 2 clients or more offered window scaling, SACK or timestamps, and 90 % of the \
         SYN-ACKs lacked it: an old or misconfigured server, one that sends SYN cookies, or a device before it that \
         strips options. Throughput suffers on long or lossy paths.",
        "RFC 7323 section 2.2; RFC 2018 section 2",
    );
    ECN_BLACKHOLE = host(
        "ecn-blackhole",
        Severity::Warn,
        "SYNs with ECN get no answer, but the same SYNs without it do",
        "3 connections in a row to one server opened within 1 s once the client left ECN out of its SYN, and none with \
         it. A device on the path drops such SYNs; every connection loses 1 s or more. Find the device, or switch ECN \
         off at the clients.",
        "RFC 3168 section 6.1.1.1",
    );
    MSS_CLAMPED = host(
        "mss-clamped",
        Severity::Info,
        "different systems of one network all have the same odd maximum segment size",
        "At least 20 connections in a row of at least 2 systems in one network of 24 bits (64 for IPv6) carry the \
         same MSS, and it is not that of an ordinary link: a device on the path sets it, because of PPPoE, a tunnel or \
         a VPN.",
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
        "At least 3 times among 32 SYNs the order of the options, the initial TTL or the distance changed in a way \
         that no single system changes them. Several hosts share the address.",
        "p0f, NAT detection",
    );
    TS_UPTIME = host(
        "ts-uptime",
        Severity::Info,
        "a host's timestamp clock reveals its boot time",
        "The timestamps of at least 3 connections to one host lie on one line for 30 s or more: one clock for all, \
         which usually starts at zero. Newer systems add a random offset per peer or connection, which hides it.",
        "RFC 7323 section 7.1; p0f",
    );
    OPTION_DRIFT = host(
        "option-drift",
        Severity::Note,
        "a server's SYN-ACKs have changed",
        "Options, MSS, window scale or distance of a server's SYN-ACKs were constant on at least 16 connections, then \
         changed and were constant on 16 more. Another host answers, or a middlebox was added.",
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
