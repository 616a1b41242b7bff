"""MQTT 3.1.1 packets, as far as the tests speak them (OASIS MQTT 3.1.1, chapters 2 and 3)."""

import struct
from typing import NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14

CONNACK_WORDS = {
    1: "unacceptable protocol version",
    2: "identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}


class Packet(NamedTuple):
    kind: int
    flags: int
    body: bytes


class Message(NamedTuple):
    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    mid: int


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("!H", len(data)) + data


def frame(kind, flags, body):
    length, head = len(body), bytearray([kind << 4 | flags])
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (128 if length else 0))
        if not length:
            return bytes(head) + body


def connect(client_id, username=None, password=None, clean=True, keepalive=0, will=None):
    """will is None or (topic, payload, qos, retain)."""
    flags = 2 if clean else 0
    body = text(client_id)
    if will:
        topic, payload, qos, retain = will
        flags |= 4 | qos << 3 | (32 if retain else 0)
        body += text(topic) + text(payload)
    if username is not None:
        flags |= 128
        body += text(username)
    if password is not None:
        flags |= 64
        body += text(password)
    return frame(CONNECT, 0, text("MQTT") + struct.pack("!BBH", 4, flags, keepalive) + body)


def publish(topic, payload, qos=0, mid=0, retain=False, dup=False):
    data = payload if isinstance(payload, bytes) else payload.encode()
    flags = qos << 1 | (1 if retain else 0) | (8 if dup else 0)
    return frame(PUBLISH, flags, text(topic) + (struct.pack("!H", mid) if qos else b"") + data)


def subscribe(mid, filters, qos):
    return frame(SUBSCRIBE, 2, struct.pack("!H", mid) + b"".join(text(each) + bytes([qos]) for each in filters))


def unsubscribe(mid, filters):
    return frame(UNSUBSCRIBE, 2, struct.pack("!H", mid) + b"".join(text(each) for each in filters))


def puback(mid):
    return frame(PUBACK, 0, struct.pack("!H", mid))


def pingreq():
    return frame(PINGREQ, 0, b"")


def disconnect():
    return frame(DISCONNECT, 0, b"")


def read_publish(packet):
    size = struct.unpack_from("!H", packet.body)[0]
    topic, rest = packet.body[2:2 + size].decode(), packet.body[2 + size:]
    qos = packet.flags >> 1 & 3
    mid = struct.unpack_from("!H", rest)[0] if qos else 0
    return Message(topic, rest[2:] if qos else rest, qos, bool(packet.flags & 1), bool(packet.flags & 8), mid)


def read_mid(packet):
    return struct.unpack_from("!H", packet.body)[0]


class Reader:
    """Cuts a stream of bytes into packets."""

    def __init__(self):
        self._data = bytearray()

    def feed(self, data):
        self._data += data
        while True:
            packet = self._next()
            if packet is None:
                return
            yield packet

    def _next(self):
        length = 0
        for place in range(1, 5):
            if place >= len(self._data):
                return None
            digit = self._data[place]
            length |= (digit & 127) << 7 * (place - 1)
            if digit < 128:
                return self._cut(place + 1, length)
        raise ValueError("remaining length of more than four bytes")

    def _cut(self, head, length):
        if len(self._data) < head + length:
            return None
        packet = Packet(self._data[0] >> 4, self._data[0] & 15, bytes(self._data[head:head + length]))
        del self._data[:head + length]
        return packet
