"""The programs at both ends of the captures that make.sh makes: what they say is said to the stacks of the system."""

import signal
import socket
import struct
import sys
import threading
import time

TCP_FASTOPEN = 23


def answer(connection):
    """Reads a request, answers, and closes first."""
    with connection:
        try:
            connection.settimeout(5)
            if connection.recv(1000):
                connection.sendall(b"Hello, client!" * 10)
        except OSError:
            pass


def serve(ports):
    for port in ports:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
        listener.bind(("0.0.0.0", port))
        listener.listen(4096)

        def accept(listener=listener):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
    signal.pause()


def exchange(connection, data=b"Hello, server!"):
    if data:
        connection.sendall(data)
    while connection.recv(1000):
        pass
    connection.close()


def fast_open(server):
    """Twice the same: the first time the kernel asks for a cookie, the second time it has one."""
    for _ in range(2):
        connection = socket.socket()
        connection.sendto(b"Hello, server!", socket.MSG_FASTOPEN, server)
        exchange(connection, b"")
        time.sleep(2)


def cookies(server):
    """Four connections from one port, of which three are reset, so that the port is free at once."""
    for n in range(6):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(("0.0.0.0", 40001))
        connection.connect(server)
        if n < 5:
            time.sleep(0.2)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            time.sleep(0.8)
        else:
            exchange(connection)


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "serve":
        serve([int(port) for port in arguments[1:]])
    else:
        {"fast-open": fast_open, "cookies": cookies}[what]((arguments[0], int(arguments[1])))
