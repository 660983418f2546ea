#!/usr/bin/env python3
"""A long live capture: many connections over a veth between two network namespaces of its own, and what the program
that captures them takes meanwhile: memory, descriptors, threads. Needs root and ip.

    tests/bench/soak.py SYNSCOPE SECONDS [CONNECTIONS-A-SECOND] [FOLDER]

Every connection opens, asks, is answered and closes. Prints a line for each look, and what was wrong in the end: then
the status is 1. What synscope writes goes into FOLDER and is removed; without one, into a temporary folder.
"""
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SERVER, CLIENT, PORTS = '192.0.2.2', '192.0.2.1', range(8001, 8009)
PROCESSES = 2
# Memory that may come on top of what was there when the tables had warmed up, as a part of it and in KiB.
PART, KIB = 0.10, 4096


def serve(ready):
    """Answers each connection once, and closes after the client has."""
    poll = select.epoll()
    listeners, open_ = {}, {}
    for port in PORTS:
        listener = socket.create_server((SERVER, port), backlog=4096)
        listener.setblocking(False)
        poll.register(listener, select.EPOLLIN)
        listeners[listener.fileno()] = listener
    os.write(ready, b'.')
    while True:
        for fd, _ in poll.poll():
            if fd in listeners:
                try:
                    connection, _ = listeners[fd].accept()
                except OSError:
                    continue
                connection.setblocking(False)
                open_[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
                continue
            try:
                asked = open_[fd].recv(4096)
                if asked:
                    open_[fd].send(b'y' * 512)
                    continue
            except OSError:
                pass
            open_.pop(fd).close()


def connect(pace, until, number):
    """Opens so many connections a second, one after the other; one that fails is none."""
    made, begun = 0, time.monotonic()
    while (now := time.monotonic()) < until:
        due = int((now - begun) * pace)
        if made >= due:
            time.sleep(min(0.005, max(0.0, (made + 1) / pace - (now - begun))))
            continue
        try:
            with socket.create_connection((SERVER, PORTS[(made + number) % len(PORTS)]), 5) as s:
                s.sendall(b'x' * 128)
                s.recv(4096)
            made += 1
        except OSError:
            begun = now - made / pace
        if due - made > pace:
            # This machine is too slow for the pace: not all at once later.
            begun = now - made / pace
    print(made, flush=True)


def ip(*words):
    subprocess.run(['ip', *words], check=True)


class Lab:
    """Two namespaces joined by a veth."""

    def __enter__(self):
        self.names = [f'soak{os.getpid()}{end}' for end in 'ab']
        a, b = self.names
        for name in self.names:
            ip('netns', 'add', name)
            # Ends of connections are not kept: otherwise ports would run out.
            for setting in ('net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1',
                            'net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_max_tw_buckets=1024'):
                subprocess.run(self.inside(name, 'sysctl', '-qw', setting), check=False, stderr=subprocess.DEVNULL)
        ip('-n', a, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth0', 'netns', b)
        for name, address in ((a, CLIENT), (b, SERVER)):
            ip('-n', name, 'address', 'add', f'{address}/24', 'dev', 'veth0')
            ip('-n', name, 'link', 'set', 'lo', 'up')
            ip('-n', name, 'link', 'set', 'veth0', 'up')
        return self

    @staticmethod
    def inside(name, *command):
        return ['ip', 'netns', 'exec', name, *command]

    def python(self, name, *words, **how):
        return subprocess.Popen(self.inside(name, sys.executable, __file__, *words), **how)

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(['ip', 'netns', 'delete', name], check=False, stderr=subprocess.DEVNULL)


def takes(pid):
    """KiB of memory, descriptors and threads of a process."""
    status = dict(line.split(':', 1) for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines())
    return int(status['VmRSS'].split()[0]), len(os.listdir(f'/proc/{pid}/fd')), int(status['Threads'])


def watch(pid, seconds):
    """What the process takes, from when its tables have warmed up."""
    every, begun, seen = max(1.0, seconds / 60), time.monotonic(), []
    while (passed := time.monotonic() - begun) < seconds:
        time.sleep(min(every, seconds - passed))
        seen.append((time.monotonic() - begun, *takes(pid)))
        print('%7.0f s %8d KiB %3d descriptors %3d threads' % seen[-1], flush=True)
    return seen


def wrong(seen, seconds):
    """What was not flat."""
    # Closed connections are remembered for 240 s: until then tables fill.
    warm = min(300.0, seconds / 2)
    before = [look for look in seen if look[0] <= warm] or seen[:1]
    after = [look for look in seen if look[0] > warm] or seen[-1:]
    # Where there was no time to warm up, a table may still fill: then only twice as much is wrong.
    most = max(look[1] for look in before)
    limit = most * (1 + PART) + KIB if warm >= 300 else 2 * most + KIB
    if max(look[1] for look in after) > limit:
        yield 'memory rises from %d to %d KiB' % (most, max(look[1] for look in after))
    for at, what in ((2, 'descriptors'), (3, 'threads')):
        if len({look[at] for look in after}) > 1:
            yield f'{what} are not as many all the time'


def run(program, seconds, pace, folder):
    with Lab() as lab:
        a, b = lab.names
        hear, ready = os.pipe()
        server = lab.python(b, 'serve', str(ready), pass_fds=[ready])
        os.read(hear, 1)
        output = folder / 'events.ndjson'
        with open(output, 'wb') as events:
            command = lab.inside(a, program, '-i', 'veth0', '-B', '32M', '--json', '--events', 'session_end')
            synscope = subprocess.Popen(command, stdout=events, stderr=subprocess.PIPE, text=True)
        said = synscope.stderr.readline()
        if not said.startswith('listening on'):
            sys.exit(said)
        until = str(time.monotonic() + seconds)
        clients = [lab.python(a, 'connect', str(pace / PROCESSES), until, str(n), stdout=subprocess.PIPE, text=True)
                   for n in range(PROCESSES)]
        seen = watch(synscope.pid, seconds)
        made = sum(int(client.communicate()[0]) for client in clients)
        synscope.send_signal(signal.SIGINT)
        said = synscope.stderr.read().strip()
        code = synscope.wait()
        server.kill()
        server.wait()
    print(said)
    totals = json.loads(output.read_text().splitlines()[-1])['synscope']['totals']
    print(f'{made} connections, {made / seconds:.0f} a second; {totals["packets"] / seconds:.0f} packets a second')
    problems = list(wrong(seen, seconds))
    if code:
        problems.append(f'it ended with status {code}')
    if totals['received'] != totals['packets'] + totals['dropped_kernel'] + totals['unread']:
        problems.append(f'packets do not add up: {totals}')
    if not totals['dropped_kernel'] and totals['flows'] < made:
        problems.append(f'{made} connections were made, {totals["flows"]} seen')
    for problem in problems:
        print(f'wrong: {problem}')
    return bool(problems)


def main():
    words = sys.argv[1:]
    if words[:1] == ['serve']:
        serve(int(words[1]))
    elif words[:1] == ['connect']:
        connect(float(words[1]), float(words[2]), int(words[3]))
    elif len(words) < 2:
        sys.exit(__doc__)
    else:
        pace = float(words[2]) if len(words) > 2 else 3000.0
        folder = pathlib.Path(tempfile.mkdtemp(dir=words[3] if len(words) > 3 else None))
        try:
            sys.exit(run(words[0], float(words[1]), pace, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


main()
