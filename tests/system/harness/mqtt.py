"""A blocking MQTT 3.1.1 client on a raw socket. It does what it is told and nothing else: no reconnect, no resend, no keepalive.

An idle Mosquitto looks at its plugins ten times a second, so each answer of a plugin's own thread takes up to 100 ms. A
`restless` client pings while it waits, which turns the broker's loop: tests become ten times faster and prove the same, as long
as some run without it.
"""

import itertools
import socket
import time

from . import packets
from .wait import DEADLINE, Late

NUDGE = 0.004  # seconds between the pings of a restless client


class Refused(Exception):
    """CONNACK with another code than 0."""

    def __init__(self, code):
        super().__init__(f"connection refused: {code} ({packets.CONNACK_WORDS.get(code, 'unknown')})")
        self.code = code


class Closed(Exception):
    """The broker closed the connection."""


class Client:
    """One connection. `acknowledge = False` makes it a peer that reads but never sends PUBACK."""

    def __init__(self, port, client_id, username=None, password=None, *, clean=True, keepalive=0, will=None, restless=False,
                 tls=None):
        self._address = ("127.0.0.1", port)
        self._hello = packets.connect(client_id, username, password, clean, keepalive, will)
        self.client_id = client_id
        self.acknowledge = True
        self.restless = restless
        self.tls = tls  # ssl.SSLContext
        self.socket = None
        self.session_present = False
        self.acked = set()  # mids of our own QoS 1 publishes that were acknowledged
        self._mids = itertools.cycle(range(1, 65536))
        self._reader = packets.Reader()
        self._messages = []
        self._others = []
        self._pings, self._pongs = 0, 0

    def __enter__(self):
        return self.connect() if self.socket is None else self

    def __exit__(self, *_):
        self.disconnect()

    def connect(self, timeout=DEADLINE):
        self.socket = socket.create_connection(self._address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            self.socket = self.tls.wrap_socket(self.socket, server_hostname=self._address[0])
        self._reader, self._pings, self._pongs = packets.Reader(), 0, 0
        self.socket.sendall(self._hello)
        try:
            answer = self._wait_packet(packets.CONNACK, timeout)
        except (Closed, Late):
            self.drop()
            raise
        if answer.body[1]:
            self.drop()
            raise Refused(answer.body[1])
        self.session_present = bool(answer.body[0] & 1)
        return self

    def subscribe(self, *filters, qos=1, timeout=DEADLINE):
        """The granted QoS of each filter; 0x80 is a refusal."""
        mid = next(self._mids)
        self._send(packets.subscribe(mid, filters, qos))
        answer = self._wait_packet(packets.SUBACK, timeout, lambda packet: packets.read_mid(packet) == mid)
        return list(answer.body[2:])

    def subscribe_again(self, *filters, qos=1):
        """Takes the filters back first: Mosquitto 2.0.11 leaks a subscription that is made twice."""
        mid = next(self._mids)
        self._send(packets.unsubscribe(mid, filters))
        self._wait_packet(packets.UNSUBACK, DEADLINE, lambda packet: packets.read_mid(packet) == mid)
        return self.subscribe(*filters, qos=qos)

    def publish(self, topic, payload, qos=0, *, retain=False, wait=True, timeout=DEADLINE):
        """Returns the mid. QoS 1 waits for the PUBACK unless told not to."""
        mid = next(self._mids) if qos else 0
        self._send(packets.publish(topic, payload, qos, mid, retain))
        if qos and wait:
            self.wait_ack(mid, timeout)
        return mid

    def wait_ack(self, mid, timeout=DEADLINE):
        self._pump_until(lambda: mid in self.acked, timeout, f"PUBACK of {mid}")
        self.acked.discard(mid)

    def expect(self, topic=None, timeout=DEADLINE):
        """The next message (of that topic); others stay for later."""
        found = []

        def look():
            for index, message in enumerate(self._messages):
                if topic is None or message.topic == topic:
                    found.append(self._messages.pop(index))
                    return True
            return False

        self._pump_until(look, timeout, f"a message on {topic or 'any topic'}")
        return found[0]

    def fence(self, timeout=DEADLINE):
        """A ping and its answer: what the broker had queued for us before is in messages() now (up to its in-flight window of
        20).
        """
        self._ping()
        number = self._pings
        self._pump_until(lambda: self._pongs >= number, timeout, "the answer to a ping")

    def messages(self, topic=None):
        """Takes what has arrived, without waiting."""
        taken = [each for each in self._messages if topic is None or each.topic == topic]
        self._messages = [each for each in self._messages if not (topic is None or each.topic == topic)]
        return taken

    def quiet(self, seconds, topic=None):
        """Listens for that long; fails on a message. Only for what has no event of its own to wait for."""
        try:
            message = self.expect(topic, seconds)
        except Late:
            return
        raise AssertionError(f"unexpected message on {message.topic}: {message.payload!r}")

    def wait_closed(self, timeout=DEADLINE):
        """Until the broker ends the connection."""
        try:
            self._pump_until(lambda: False, timeout, "the broker to close the connection")
        except Closed:
            self.drop()

    def disconnect(self):
        """The polite end."""
        if self.socket is None:
            return
        try:
            self.socket.sendall(packets.disconnect())
        except OSError:
            pass
        self.drop()

    def drop(self):
        """The line is cut: no DISCONNECT packet."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _ping(self):
        self._pings += 1
        self._send(packets.pingreq())

    def _send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from error

    def _wait_packet(self, kind, timeout, matches=lambda packet: True):
        found = []

        def look():
            for index, packet in enumerate(self._others):
                if packet.kind == kind and matches(packet):
                    found.append(self._others.pop(index))
                    return True
            return False

        self._pump_until(look, timeout, f"packet type {kind}")
        return found[0]

    def _pump_until(self, look, timeout, what):
        end = time.monotonic() + timeout
        while not look():
            left = end - time.monotonic()
            if left <= 0:
                raise Late(f"{self.client_id}: not within {timeout:g} s: {what}")
            if not self._pump(min(left, NUDGE) if self.restless else left) and self.restless:
                self._ping()

    def _pump(self, timeout):
        """False when nothing came."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            return False
        except OSError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed(f"{self.client_id}: connection closed by the broker")
        for packet in self._reader.feed(data):
            self._take(packet)
        return True

    def _take(self, packet):
        if packet.kind == packets.PINGRESP:
            self._pongs += 1
        elif packet.kind == packets.PUBACK:
            self.acked.add(packets.read_mid(packet))
        elif packet.kind == packets.PUBLISH:
            message = packets.read_publish(packet)
            self._messages.append(message)
            if message.qos and self.acknowledge:
                self._send(packets.puback(message.mid))
        else:
            self._others.append(packet)
