"""Link SDK C 4.2.0 with its MQTT-download module: the offer names a stream, and the device asks for one block after the other.

It follows the reply topic for the download alone, asks for 10 KiB as the demo does and for exactly the rest at the end, has one
request outstanding, asks again after a pause, or at once when what came does not fit, and gives up at the fourth failure in a row
with -4.
"""

import hashlib
import struct
from typing import NamedTuple

from harness import packets
from harness.wait import Late

from . import read
from .clients import C4

FAILURES = 4


class Stream(NamedTuple):
    version: str
    size: int
    stream: int
    file: int
    method: str  # of hashlib
    digest: str


class Block(NamedTuple):
    code: int
    header: str
    offset: int
    length: int  # of the file
    content: bytes


def crc(data):
    """CRC-16/ARC, bit by bit."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def offer(payload):
    """As C 4.x scans it. With dProtocol there must be a streamId; a url is not looked for."""
    data = read.scan(payload.decode(), "data")
    if read.scan(data, "dProtocol") != "mqtt":
        raise read.Unread("dProtocol")
    method = {"Md5": "md5", "SHA256": "sha256", "Sha256": "sha256"}[read.scan(data, "signMethod")]
    return Stream(read.scan(data, "version"), int(read.scan(data, "size")), int(read.scan(data, "streamId")),
                  int(read.scan(data, "streamFileId")), method, read.scan(data, "sign"))


def request(number, stream, file, size, offset):
    """The literal bytes, comma before the bracket and all."""
    return ('{"id":"%d","version":"1.0","params":{"fileToken":"default","fileInfo":{"streamId":%d,"fileId":%d,},'
            '"fileBlock":{"size":%d,"offset":%d}}}' % (number, stream, file, size, offset))


def block(payload):
    """None for what C 4.x would not take as a block: a refusal, a length or a CRC that does not fit."""
    size = struct.unpack(">H", payload[:2])[0]
    header = payload[2:2 + size].decode()
    code = int(read.scan(header, "code"))
    if code != 200:
        return Block(code, header, -1, -1, payload[2 + size:])
    data = read.scan(header, "data")
    length = int(read.scan(data, "bSize"))
    content = payload[2 + size:-2]
    if len(payload) != 2 + size + length + 2 or struct.unpack("<H", payload[-2:])[0] != crc(content):
        return None
    assert header.endswith('"message":"success"}')
    return Block(code, header, int(read.scan(data, "bOffset")), int(read.scan(data, "fileLength")), content)


class C4Mqtt(C4):
    """`size` of a block; `patience` seconds until it asks again (10 in the SDK)."""

    dialect = "C 4.2.0 with MQTT download"
    parse = staticmethod(offer)
    size = 10240
    patience = 10.0
    number = 0

    @property
    def reply(self):
        return self.sys_topic("file/download_reply")

    def ask(self, stream, offset, size=None, file=1, qos=0):
        self.number += 1
        body = request(self.number, stream, file, size or self.size, offset)
        self.client.publish(self.sys_topic("file/download"), body, qos)

    def client_bytes(self, stream, number):
        """A request as it goes over the line, for who sends many at once."""
        return packets.publish(self.sys_topic("file/download"), request(number, stream, 1, self.size, number * 10 % 20000))

    def answer(self, timeout=None):
        return block(self.client.expect(self.reply, timeout or self.patience).payload)

    def update(self, offer):
        self.follow(self.reply, qos=0)
        content = self.fetch_blocks(offer)
        if content is None:
            self.report(-4)
        elif offer.method == "md5" and hashlib.md5(content).hexdigest() != offer.digest:
            self.report(-3)
        else:
            self.report(100)
        return [content]

    def fetch_blocks(self, offer):
        content, failures, told = b"", 0, 0
        while len(content) < offer.size:
            self.ask(offer.stream, len(content), min(self.size, offer.size - len(content)), offer.file)
            piece = self.one_block(len(content))
            failures = 0 if piece else failures + 1
            if failures == FAILURES:
                return None
            content += piece or b""
            percent = len(content) * 100 // offer.size
            if percent - told >= 5:
                told = percent
                self.report(percent)
        return content

    def one_block(self, offset):
        """None: it is time to ask again. A block of another offset is a repeat, and no matter."""
        while True:
            try:
                got = self.answer()
            except Late:
                return None
            if got is None or got.code != 200:
                return None
            if got.offset == offset:
                return got.content
