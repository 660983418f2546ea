#!/bin/bash
# Captures of lessons that take real stacks: Linux kernels in two network namespaces joined by a veth pair, nmap, hping3 and tcpdump.
# Root only. Nothing leaves the namespaces; all addresses are those for documentation (RFC 5737). Bounded: a few thousand packets, some
# 30 seconds. The captures are committed; run this only to make them anew, then UPDATE=1 cargo test --test lessons.
#
#   sudo tests/lessons/make.sh [FOLDER]      (default: testdata/lessons)
#
# PREFIX names the namespaces and the interfaces (default: lesson).
set -eu
[ "$(id -u)" = 0 ] || { echo "root only" >&2; exit 1; }
for tool in ip tc ethtool tcpdump nmap hping3 python3; do
    command -v $tool > /dev/null || { echo "$tool is missing" >&2; exit 1; }
done
here=$(cd "$(dirname "$0")" && pwd)
folder=$(realpath "${1:-$here/../../testdata/lessons}")
p=${PREFIX:-lesson}
client=198.51.100.1
server=192.0.2.80
pids=()

clean() {
    for pid in "${pids[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2> /dev/null || true; done
    ip netns del "$p-c" 2> /dev/null || true
    ip netns del "$p-s" 2> /dev/null || true
}
trap clean EXIT
in_c() { ip netns exec "$p-c" timeout 30 "$@"; }
in_s() { ip netns exec "$p-s" timeout 30 "$@"; }

# Two hosts, 15 ms apart each way, that see the whole internet behind the other one.
ip netns add "$p-c"
ip netns add "$p-s"
ip link add "${p}c" netns "$p-c" address 02:00:00:00:00:02 type veth peer name "${p}s" netns "$p-s" address 02:02:00:00:00:01
in_c ip addr add $client/32 dev "${p}c"
in_s ip addr add $server/32 dev "${p}s"
for end in c s; do
    ns="$p-$end"
    ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.ip_forward=0 \
        net.ipv4.conf.all.send_redirects=0
    ip netns exec "$ns" ip link set lo up
    ip netns exec "$ns" ip link set "$p$end" up
    ip netns exec "$ns" ethtool -K "$p$end" tx off rx off tso off gso off gro off > /dev/null
    # Without netem in the kernel round trips are as short as they are.
    ip netns exec "$ns" tc qdisc add dev "$p$end" root netem delay 15ms limit 10000 2> /dev/null || true
done
# Whatever is asked for is behind the other end, whose link address is known: no ARP.
in_c ip neigh add 198.51.100.254 lladdr 02:02:00:00:00:01 dev "${p}c"
in_s ip neigh add 192.0.2.254 lladdr 02:00:00:00:00:02 dev "${p}s"
in_c ip route add default via 198.51.100.254 dev "${p}c" onlink src $client
in_s ip route add default via 192.0.2.254 dev "${p}s" onlink src $server

capture() { # NAME
    ip netns exec "$p-s" tcpdump --immediate-mode -q -i "${p}s" -s 0 -w "$folder/$1.pcap" -U tcp 2> "$folder/.tcpdump" &
    pids+=($!)
    tcpdump=$!
    until grep -q "listening on" "$folder/.tcpdump"; do sleep 0.05; done
}
done_capturing() {
    sleep "${1:-1}"
    kill $tcpdump
    wait $tcpdump || true
    rm -f "$folder/.tcpdump"
}
serve() { # BEHAVIOUR PORT...
    ip netns exec "$p-s" python3 "$here/peers.py" serve "$@" &
    pids+=($!)
    serving=$!
    for port in "${@:2}"; do
        until in_s ss -Hltn "sport = :$port" | grep -q .; do sleep 0.05; done
    done
}
stop() { kill $serving; wait $serving 2> /dev/null || true; }

# A cookie is granted to a client, which uses it two seconds later.
in_s sysctl -qw net.ipv4.tcp_fastopen=3
in_c sysctl -qw net.ipv4.tcp_fastopen=3
serve answer 80
capture fast-open
in_c python3 "$here/peers.py" fast-open $server 80
done_capturing
stop

# Three open ports among 18 closed ones.
ports=20-25,53,80,110,111,135,139,143,443,445,993,995,1723,3306,3389,5900
serve answer 22 80 443
capture syn-scan
in_c nmap -n -Pn -sS --max-retries 1 -p $ports $server > /dev/null
done_capturing
capture connect-scan
in_c nmap -n -Pn -sT --max-retries 1 -p $ports $server > /dev/null
done_capturing
stop

# A server that always answers with cookies, and a client without timestamps that comes again from the same port.
in_s sysctl -qw net.ipv4.tcp_syncookies=2
in_c sysctl -qw net.ipv4.tcp_timestamps=0
serve answer 80
capture syn-cookies
in_c python3 "$here/peers.py" cookies $server 80
done_capturing
stop
in_s sysctl -qw net.ipv4.tcp_syncookies=0

# Six SYNs of each of 120 forged addresses within a few seconds, at a server that has room for all of them. Behind the client's
# interface nobody takes the SYN-ACKs.
in_s sysctl -qw net.ipv4.tcp_max_syn_backlog=4096 net.core.somaxconn=4096 net.ipv4.tcp_synack_retries=1
serve answer 80
capture syn-flood
for n in $(seq 2 121); do
    ip netns exec "$p-c" timeout 10 hping3 -q -n -S -p 80 -a 203.0.113.$n -c 6 -i u1000 $server > /dev/null 2>&1 &
    pids+=($!)
    sleep 0.005
done
done_capturing 6
stop
