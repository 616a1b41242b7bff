"""Thousands of MQTT connections in one thread: an epoll loop that calls a member's own handlers.

A member is any object with `hello` (its CONNECT packet) and `on_connack(link, code)`, `on_packet(link, packet)`,
`on_closed(link)`; the swarm reads, writes and cuts the stream into packets, and nothing else.
"""

import select
import socket
import time

from . import packets
from .wait import DEADLINE, Late


WAVE = 80


class Link:
    """One connection of a member."""

    def __init__(self, swarm, member, port):
        self.swarm = swarm
        self.member = member
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connected = False
        self._out = bytearray(member.hello)
        self._reader = packets.Reader()
        self.socket.connect_ex(("127.0.0.1", port))

    def send(self, data):
        self._out += data
        self.flush()

    def flush(self):
        try:
            while self._out:
                sent = self.socket.send(self._out)
                del self._out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._out.clear()  # the error comes again when the loop reads
        self.swarm.watch(self, bool(self._out))

    def read(self):
        """False once the connection is over."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        for packet in self._reader.feed(data):
            self._take(packet)
        return True

    def _take(self, packet):
        if packet.kind == packets.CONNACK:
            self.connected = packet.body[1] == 0
            self.member.on_connack(self, packet.body[1])
            return
        if packet.kind == packets.PUBLISH and packet.flags & 6:
            self.send(packets.puback(packets.read_publish(packet).mid))
        self.member.on_packet(self, packet)


class Swarm:
    def __init__(self, port):
        self.port = port
        self.links = {}
        self._epoll = select.epoll()
        self._wanted = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, member):
        """Begins a connection; its CONNECT goes out as soon as the socket takes it."""
        link = Link(self, member, self.port)
        number = link.socket.fileno()
        self.links[number] = link
        self._wanted[number] = select.EPOLLIN | select.EPOLLOUT
        self._epoll.register(number, self._wanted[number])
        return link

    def connect_all(self, members, timeout=DEADLINE):
        """Opens a connection for each, in waves that fit the broker's listen backlog of 100; beyond it the kernel waits a second.
        """
        links = []
        for start in range(0, len(members), WAVE):
            wave = [self.open(member) for member in members[start:start + WAVE]]
            self.run_until(lambda: all(link.connected for link in wave), f"connections {start} to {start + len(wave)}", timeout)
            links += wave
        return links

    def watch(self, link, writing):
        number = link.socket.fileno()
        wanted = select.EPOLLIN | (select.EPOLLOUT if writing else 0)
        if number in self._wanted and self._wanted[number] != wanted:
            self._wanted[number] = wanted
            self._epoll.modify(number, wanted)

    def turn(self, timeout):
        """Handles what is ready."""
        for number, events in self._epoll.poll(timeout):
            link = self.links.get(number)
            if link is None:
                continue
            if events & select.EPOLLOUT:
                link.flush()
            if events & ~select.EPOLLOUT and not link.read():
                self.drop(link)
                link.member.on_closed(link)

    def run_until(self, done, what, timeout=DEADLINE):
        end = time.monotonic() + timeout
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                raise Late(f"not within {timeout:g} s: {what}")
            self.turn(min(left, 0.1))

    def drop(self, link):
        number = link.socket.fileno()
        if number in self.links:
            self._epoll.unregister(number)
            del self.links[number], self._wanted[number]
        link.socket.close()

    def close(self):
        for link in list(self.links.values()):
            self.drop(link)
        self._epoll.close()
