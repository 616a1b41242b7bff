"""An HTTP server that misbehaves on demand: the path says how. Serves one image; prints its port; logs each request's path, Range
and If-Range.

Usage: fault_server.py IMAGE LOG
"""

import email.utils
import http.server
import re
import sys
import threading
import time

IMAGE = open(sys.argv[1], "rb").read()
LOG = open(sys.argv[2], "a", buffering=1)
HALF = len(IMAGE) // 2


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = {}  # path -> requests so far
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def do_GET(self):
        with self.lock:
            self.count = self.seen[self.path] = self.seen.get(self.path, 0) + 1
        LOG.write(f"{self.path} {self.headers.get('Range', '-')} {self.headers.get('If-Range', '-')}\n")
        self.close_connection = True
        try:
            getattr(self, "serve_" + self.path.strip("/").replace("-", "_"))()
        except (BrokenPipeError, ConnectionResetError):
            pass

    # --- building blocks

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def first(self):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(match[1]) if match else 0

    def send_from(self, first, upto=None, etag='"one"'):
        size = len(IMAGE)
        if first:
            self.head(206, Content_Length=size - first, Content_Range=f"bytes {first}-{size - 1}/{size}", ETag=etag)
        else:
            self.head(200, Content_Length=size, ETag=etag)
        self.wfile.write(IMAGE[first:upto])

    # --- one method per path

    def serve_good(self):
        self.send_from(self.first())

    def serve_cut_once(self):
        self.send_from(self.first(), HALF if self.count == 1 else None)

    def serve_cut_always(self):
        self.send_from(0, HALF)

    def serve_ignores_range(self):
        self.send_from(0, HALF if self.count == 1 else None)

    def serve_no_etag(self):
        size, first = len(IMAGE), self.first()
        if first:
            self.head(206, Content_Length=size - first, Content_Range=f"bytes {first}-{size - 1}/{size}")
        else:
            self.head(200, Content_Length=size)
        self.wfile.write(IMAGE[first:HALF if self.count == 1 else None])

    def serve_shifted(self):
        if not self.first():
            self.send_from(0, HALF if self.count == 1 else None)
            return
        first, size = self.first() + 1, len(IMAGE)
        self.head(206, Content_Length=size - first, Content_Range=f"bytes {first}-{size - 1}/{size}")
        self.wfile.write(IMAGE[first:])

    def serve_changed(self):
        """The first answer is of another file with the same length; a client that asks with If-Range gets the whole of the new
        one.
        """
        if self.count == 1:
            self.head(200, Content_Length=len(IMAGE), ETag='"old"')
            self.wfile.write(b"\0" * HALF)
        elif self.headers.get("If-Range") == '"one"':
            self.send_from(self.first())
        else:
            self.send_from(0)

    def serve_changed_silently(self):
        """The same without ETags: nobody can tell but the digest."""
        size, first = len(IMAGE), self.first()
        if self.count == 1:
            self.head(200, Content_Length=size)
            self.wfile.write(b"\0" * HALF)
        elif first:
            self.head(206, Content_Length=size - first, Content_Range=f"bytes {first}-{size - 1}/{size}")
            self.wfile.write(IMAGE[first:])
        else:
            self.head(200, Content_Length=size)
            self.wfile.write(IMAGE)

    def serve_416(self):
        if self.first():
            self.head(416, Content_Length=0)
        else:
            self.send_from(0, HALF if self.count == 1 else None)

    def serve_longer(self):
        self.head(200, Content_Length=len(IMAGE) + 1)
        self.wfile.write(IMAGE + b"x")

    def serve_endless(self):
        self.head(200)
        while True:
            self.wfile.write(b"e" * 65536)

    def serve_short(self):
        self.head(200)
        self.wfile.write(IMAGE[:HALF])

    def serve_wrong_bytes(self):
        self.head(200, Content_Length=len(IMAGE))
        self.wfile.write(b"\0" * len(IMAGE))

    def serve_gone(self):
        self.head(404, Content_Length=9)
        self.wfile.write(b"not here\n")

    def serve_busy(self):
        self.head(503, Content_Length=0, Retry_After=7)

    def serve_busy_until(self):
        self.head(503, Content_Length=0, Retry_After=email.utils.formatdate(time.time() + 60, usegmt=True))

    def serve_busy_yesterday(self):
        self.head(503, Content_Length=0, Retry_After=email.utils.formatdate(time.time() - 86400, usegmt=True))

    def serve_busy_for_years(self):
        self.head(503, Content_Length=0, Retry_After=email.utils.formatdate(time.time() + 10 * 365 * 86400, usegmt=True))

    def serve_busy_for_ever(self):
        self.head(503, Content_Length=0, Retry_After=999999999)

    def serve_busy_beyond_numbers(self):
        self.head(503, Content_Length=0, Retry_After="9" * 30)

    def serve_busy_negative(self):
        self.head(503, Content_Length=0, Retry_After=-5)

    def serve_busy_soon(self):
        self.head(503, Content_Length=0, Retry_After="soon")

    def serve_nothing(self):
        self.wfile.flush()

    def serve_stalls(self):
        self.send_from(0, HALF)
        self.wfile.flush()
        time.sleep(60)

    def serve_redirect(self):
        self.head(302, Location="/good", Content_Length=0)

    def serve_redirect_file(self):
        self.head(302, Location="file:///etc/passwd", Content_Length=0)

    def serve_redirect_loop(self):
        self.head(302, Location="/redirect-loop", Content_Length=0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
