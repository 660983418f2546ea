#!/usr/bin/env bash
# Live capture at the pace of tcpreplay, over a veth between two network namespaces of its own: what was sent, and what
# tcpdump and synscope captured and dropped with the same buffer. Needs root, tcpdump and tcpreplay.
#
#   tests/bench/live.sh SYNSCOPE FILE [BUFFER-KiB] [PPS…|top…]
set -euo pipefail
(($# >= 2)) || { sed -n 2,5p "$0"; exit 2; }
synscope=$1 file=$2 buffer=${3:-32768}
shift $(($# < 3 ? $# : 3))
work=$(mktemp -d)
tidy() {
    ip netns del ssbench-a 2>/dev/null || true
    ip netns del ssbench-b 2>/dev/null || true
    rm -rf "$work"
}
trap tidy EXIT
ip netns add ssbench-a
ip netns add ssbench-b
ip link add ss-a netns ssbench-a type veth peer name ss-b netns ssbench-b
ip -n ssbench-a link set ss-a up
ip -n ssbench-b link set ss-b up

# Waits until the program says on standard error that it listens.
listening() {
    until grep -q 'listening on' "$1"; do
        kill -0 "$2" 2>/dev/null || { cat "$1"; exit 1; }
        sleep 0.1
    done
}

for pace in "${@:-top}"; do
    how=--pps=$pace
    [[ $pace == top ]] && how=--topspeed
    for program in tcpdump synscope; do
        said=$work/$program
        : >"$said"
        if [[ $program == tcpdump ]]; then
            run=(tcpdump -i ss-b -B "$buffer" -s 256 -w /dev/null tcp)
        else
            run=("$synscope" -i ss-b -B "${buffer}K" --json -o /dev/null tcp)
        fi
        ip netns exec ssbench-b "${run[@]}" >/dev/null 2>"$said" &
        listening "$said" $!
        ip netns exec ssbench-a tcpreplay -q "$how" --preload-pcap -i ss-a "$file" >"$work/sent" 2>&1
        # What the program has not yet read is in its buffer: a packet crosses the veth while it is sent.
        sleep 0.5
        kill -INT $!
        wait $! || true
        printf '%-7s %-9s %-16s %s\n' "$pace" "$program" "$(grep -oE '[0-9.]+ pps' "$work/sent" | head -1)" \
            "$(grep -E 'captured|by kernel' "$said" | paste -sd ',')"
    done
done
