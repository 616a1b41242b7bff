"""HTTP as bytes: requests that no library would send, and answers with their header as it was spelled."""

import json
import socket
from typing import NamedTuple

from harness.sentences import heard
from harness.wait import DEADLINE


class Answer(NamedTuple):
    status: int
    headers: dict  # by the name as it was spelled
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """(code, message) of a refusal, which always has the one shape."""
        members = self.json["error"]
        assert set(members) <= {"code", "message", "path"} and members["message"]
        heard("the gateway's refusal", members["message"])
        return members["code"], members["message"]


class Line:
    """One connection."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=DEADLINE)
        self._data = bytearray()

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, has_body=True):
        """The next answer; informational ones are given as they come."""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = dict(each.split(": ", 1) for each in head[1:] if each)
        length = int(headers.get("Content-Length", "0")) if has_body else 0
        return Answer(int(head[0].split()[1]), headers, self._take(length))

    def wait_closed(self, timeout=DEADLINE):
        self.socket.settimeout(timeout)
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass

    def close(self):
        self.socket.close()

    def _until(self, mark):
        while mark not in self._data:
            self._receive()
        size = self._data.index(mark) + len(mark)
        return self._take(size)

    def _take(self, size):
        while len(self._data) < size:
            self._receive()
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    def _receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError(f"closed after {bytes(self._data[:200])!r}")
        self._data += data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Web:
    """A caller with a token. Each request has its own connection."""

    def __init__(self, host, port, token=None):
        self.place = (host, port)
        self.token = token

    def line(self):
        return Line(*self.place)

    def head(self, method, target, headers=None):
        lines = [f"{method} {target} HTTP/1.1", "Host: x"]
        if self.token and "Authorization" not in (headers or {}):
            lines.append(f"Authorization: Bearer {self.token}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def request(self, method, target, body=None, headers=None):
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Length", len(body))
        with self.line() as line:
            line.send(self.head(method, target, headers))
            if body:
                line.send(body)
            return line.answer(has_body=method != "HEAD")

    def get(self, target, **headers):
        return self.request("GET", target, headers=_spelled(headers))

    def post(self, command, headers=None, /, **members):
        return self.request("POST", f"/api/v1/{command}", json.dumps(members).encode(), headers)

    def put(self, target, body, **headers):
        return self.request("PUT", target, body, _spelled(headers))


def _spelled(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}
