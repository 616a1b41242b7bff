"""How each client fetches: HTTP by hand.

A `Road` is what lies between the device and the gateway: device names resolve to it, port 80 (443 behind TLS) is mapped to the
port the gateway has in this test. So the URLs are as C 3.x needs them, without a port.
"""

import socket
import urllib.parse
from typing import NamedTuple

from harness.wait import DEADLINE

BUFFER = 8192  # of C 4.x: after a cut it goes on at a multiple of this


class Road(NamedTuple):
    port: int
    context: object = None  # ssl.SSLContext of a device that trusts the gateway; None: plain

    def open(self, host):
        line = socket.create_connection(("127.0.0.1", self.port), DEADLINE)
        return self.context.wrap_socket(line, server_hostname=host) if self.context else line


def _place(url):
    """Scheme ignored, as by both C SDKs; the road knows the port."""
    parts = urllib.parse.urlsplit(url)
    assert len(url) <= 255
    return parts.netloc, f"{parts.path}?{parts.query}"


class Answer:
    """The head, and then the body as it comes."""

    def __init__(self, line, request):
        self._line = line
        line.sendall(request.encode())
        head, self._data = b"", b""
        while b"\r\n\r\n" not in head:
            head += self._more()
        head, _, self._data = head.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = dict(each.split(": ", 1) for each in lines[1:])  # by the name as it was spelled
        self.length = int(self.headers["Content-Length"])

    def read(self, size):
        while len(self._data) < size:
            self._data += self._more()
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def _more(self):
        data = self._line.recv(65536)
        if not data:
            raise ConnectionError("the gateway closed the line")
        return data


def whole(road, file):
    """C 3.x and the applications: one GET, Host and Accept only."""
    host, target = _place(file.url)
    assert ":" not in host, f"3.x hands {host} to the resolver, port and all"
    with road.open(host) as line:
        answer = Answer(line, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html, application/xhtml+xml, */*\r\n\r\n")
        assert (answer.status, answer.length) == (200, file.size)
        yield answer.read(file.size)


def by_range(road, file, cut=None):
    """C 4.x: Range from byte 0 on. With `cut` the line breaks after that many buffers, and the next GET goes on there."""
    host, target = _place(file.url)
    place = 0
    while place < file.size:
        with road.open(host) as line:
            answer = Answer(line, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nRange: bytes={place}-\r\ncontent-length: 0\r\n\r\n")
            assert (answer.status, answer.length) == (206, file.size - place)
            assert answer.headers["Content-Range"] == f"bytes {place}-{file.size - 1}/{file.size}"
            end = min(file.size, place + cut * BUFFER) if cut else file.size
            while place < end:
                piece = answer.read(min(BUFFER, end - place))
                place += len(piece)
                yield piece
        cut = None
