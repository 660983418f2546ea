"""What the study note's Scapy callback prints for each capture given, each after a line with its name."""

import logging
import sys

logging.getLogger("scapy").setLevel(logging.CRITICAL)
from scapy.all import IP, TCP, Raw, sniff


def show(packet):
    if IP not in packet or TCP not in packet:
        return
    ip, tcp = packet[IP], packet[TCP]
    ends = f"{ip.src}:{tcp.sport} -> {ip.dst}:{tcp.dport}"
    if tcp.flags == "S":
        print(f"[SYN] {ends} | Seq={tcp.seq}")
    elif tcp.flags == "SA":
        print(f"[SYN-ACK] {ends} | Seq={tcp.seq}, Ack={tcp.ack}")
    elif tcp.flags == "A" and not (Raw in tcp and len(tcp[Raw].load)):
        print(f"[ACK] {ends} | Seq={tcp.seq}, Ack={tcp.ack}")


for path in sys.argv[1:]:
    print(f"== {path}")
    sniff(offline=path, prn=show, store=0)
