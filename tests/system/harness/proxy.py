"""A small HTTP proxy: CONNECT, and GET of whole urls. It remembers who was asked for, and may want a password."""

import base64
import socket
import threading


class Proxy:
    def __init__(self, user=None, password=None):
        self.asked = []  # "CONNECT host:port", "GET http://..."
        self._wanted = base64.b64encode(f"{user}:{password}".encode()).decode() if user else None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = {self._listener}
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, login=""):
        return f"http://{login}{'@' if login else ''}127.0.0.1:{self.port}"

    def close(self):
        for each in list(self._open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was quicker
            each.close()
        self._thread.join()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client):
        try:
            self._answer(client)
        except OSError:
            pass  # one of the two went away

    def _answer(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more:
                return
            head += more
        line, _, rest = head.partition(b"\r\n")
        method, target, _ = line.decode().split()
        self.asked.append(f"{method} {target}")
        if self._wanted and f"basic {self._wanted}".lower() not in rest.decode().lower():
            client.sendall(b"HTTP/1.1 407 Not so\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
            client.close()
            return
        address = target if method == "CONNECT" else target.split("/")[2]
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            self._open.add(server)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head.replace(target.encode(), target.partition(address)[2].encode(), 1))
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            self._copy(client, server)
            back.join()

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one of the two went away
