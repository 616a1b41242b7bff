"""A small HTTP server for packages: Range, If-Range, and a gate that holds a body back, so that a test knows where a download
stands.
"""

import http.server
import re
import threading
import time

PIECE = 16384


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        web = self.server.web
        status, headers = web.take(self.path, self.headers.get("Range"))
        self.close_connection = True
        if status:
            self._head(status, 0, **headers)
            return
        content = web.find(self.path)
        if content is None:
            self._head(404, 0)
            return
        first = self._first(content)
        if first:
            self._head(206, len(content) - first, Content_Range=f"bytes {first}-{len(content) - 1}/{len(content)}", ETag='"1"')
        else:
            self._head(200, len(content), ETag='"1"')
        self._body(web, content, first)

    def _first(self, content):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(match[1]) if match and int(match[1]) < len(content) else 0

    def _head(self, status, length, **headers):
        self.send_response(status)
        for name, value in {"Content_Length": length, "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _body(self, web, content, first):
        view = memoryview(content)
        try:
            while first < len(content):
                last = min(first + PIECE, web.wait_gate(self.path, first), len(content))
                last = min(last, first + web.pace(self.path))
                self.wfile.write(view[first:last])
                first = last
                web.sent[self.path] = first
        except OSError:
            pass  # the other side went away


class Web:
    def __init__(self):
        self.files = {}  # path -> bytes
        self.prefixes = {}  # the beginning of paths -> bytes; for links whose end the server makes up
        self.answers = {}  # path -> a status without a body, until it is removed
        self.requests = []  # (path, Range)
        self.moments = []  # of each request, on the monotonic clock
        self.sent = {}  # path -> how far the body went
        self._gates = {}
        self._drips = {}
        self._turns = {}  # the beginning of paths -> [(status, headers)] of the next requests
        self._closed = threading.Event()
        self._change = threading.Condition()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.web = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def add(self, path, content):
        self.files[path] = content
        return self.url(path)

    def serve_prefix(self, prefix, content):
        self.prefixes[prefix] = content

    def find(self, path):
        if path in self.files:
            return self.files[path]
        return next((content for prefix, content in self.prefixes.items() if path.startswith(prefix)), None)

    def answer(self, path, *statuses, **headers):
        """The next requests of paths that begin so get these statuses and no body, one each; those after them get the file. A
        test that changes the answer between two requests races against the client. A header may be a function: it is called
        when the answer is given.
        """
        self._turns[path] = [(status, headers) for status in statuses]

    def take(self, path, wanted):
        """Notes a request; the status and the headers it gets instead of a file, (None, {}) if it gets the file."""
        with self._change:
            self.requests.append((path, wanted))
            self.moments.append(time.monotonic())
            turns = next((turns for begin, turns in self._turns.items() if turns and path.startswith(begin)), None)
            status, headers = turns.pop(0) if turns else (self.answers.get(path), {})
        return status, {name: value() if callable(value) else value for name, value in headers.items()}

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def hold_at(self, path, offset):
        """Bodies of paths that begin so stop before this offset until it is moved or removed (None)."""
        with self._change:
            self._gates[path] = offset
            self._change.notify_all()

    def drip(self, path, speed):
        """Bodies of this path come at so many bytes a second; None: as fast as they can."""
        self._drips[path] = speed

    def pace(self, path):
        """How much may be sent now; waits before it says so."""
        speed = self._drips.get(path)
        if speed is None:
            return PIECE
        self._closed.wait(0.1)
        return max(1, speed // 10)

    def _gate(self, path):
        return next((offset for begin, offset in self._gates.items() if path.startswith(begin) and offset is not None), None)

    def wait_gate(self, path, first):
        with self._change:
            while self._gate(path) is not None and first >= self._gate(path):
                self._change.wait()
            gate = self._gate(path)
        return gate if gate is not None else first + PIECE

    def ranges(self, path):
        return [value for name, value in self.requests if name == path]

    def close(self):
        self._closed.set()
        with self._change:
            self._gates.clear()
            self._change.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
