"""Two namespaces, opc (192.0.2.1) and ops (192.0.2.2), joined by a path of 50 ms each way. Writes what passes at the client's
side to a capture until it is ended with SIGTERM: link.py FILE"""

import ctypes
import fcntl
import heapq
import os
import select
import signal
import struct
import subprocess
import sys
import time

DELAY = 0.05
CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
# A TUN device without a header before the packet.
IFF = 0x1001


def tun(namespace, address):
    """A device in a new namespace."""
    subprocess.check_call(["ip", "netns", "add", namespace])
    with open("/var/run/netns/" + namespace, "rb") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"tun0", IFF))
    for command in (
        ["addr", "add", address + "/24", "dev", "tun0"],
        ["link", "set", "tun0", "up", "mtu", "1500"],
        ["link", "set", "lo", "up"],
    ):
        subprocess.check_call(["ip"] + command)
    return device


client, server = tun("opc", "192.0.2.1"), tun("ops", "192.0.2.2")
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))


def keep(packet):
    now = time.time_ns()
    out.write(struct.pack("<IIII", now // 10**9, now % 10**9, len(packet), len(packet)) + packet)
    out.flush()


running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
queue, count = [], 0
print("ready", flush=True)
while running:
    wait = max(0, queue[0][0] - time.monotonic()) if queue else 0.05
    for device in select.select([client, server], [], [], min(wait, 0.05))[0]:
        while True:
            try:
                packet = os.read(device, 65535)
            except BlockingIOError:
                break
            if packet[0] >> 4 != 4:
                continue
            count += 1
            if device == client:
                keep(packet)
            heapq.heappush(queue, (time.monotonic() + DELAY, count, device, packet))
    while queue and queue[0][0] <= time.monotonic():
        _, _, device, packet = heapq.heappop(queue)
        if device == server:
            keep(packet)
        os.write(client if device == server else server, packet)
