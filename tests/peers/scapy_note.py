"""What the study note's Scapy callback prints for captures: our own transcription of its rules.

Each capture's lines follow a line `== FILE`.
"""
import logging
import sys

logging.getLogger("scapy").setLevel(logging.CRITICAL)
from scapy.all import IP, TCP, Raw, sniff  # noqa: E402


def show(p):
    if IP not in p or TCP not in p:
        return
    i, t = p[IP], p[TCP]
    a, b = f"{i.src}:{t.sport}", f"{i.dst}:{t.dport}"
    if t.flags == "S":
        print(f"[SYN] {a} -> {b} | Seq={t.seq}")
    elif t.flags == "SA":
        print(f"[SYN-ACK] {a} -> {b} | Seq={t.seq}, Ack={t.ack}")
    elif t.flags == "A" and not (Raw in t and len(t[Raw].load)):
        print(f"[ACK] {a} -> {b} | Seq={t.seq}, Ack={t.ack}")


for name in sys.argv[1:]:
    print(f"== {name}")
    sniff(offline=name, filter="tcp and (port 80 or port 8080)", prn=show, store=0)
