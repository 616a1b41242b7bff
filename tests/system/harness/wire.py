"""A line between two programs that can be held and cut: forwards TCP to one port, so that a test knows how far a download is."""

import socket
import threading


class Wire:
    """Bytes of the far side stop before `hold` of one connection until it is moved or removed. Counts what passed."""

    def __init__(self, port):
        self.target = port
        self.passed = 0  # bytes of the newest connection that came from the far side
        self.refused = 0  # connections that found nobody at the far side
        self._hold = None
        self._change = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def hold_at(self, offset):
        with self._change:
            self._hold = offset
            self._change.notify_all()

    def cut(self):
        """Every connection ends at once, as when a cable is pulled on both sides."""
        for each in list(self._open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was quicker

    def close(self):
        self.hold_at(None)
        self._listener.close()
        self.cut()

    def _serve(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                self.refused += 1
                continue
            self._open |= {near, far}
            self.passed = 0
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source, sink, counted):
        try:
            while data := source.recv(16384):
                for start in range(0, len(data), 1024):
                    piece = data[start:start + 1024]
                    if counted:
                        self._wait(len(piece))
                    sink.sendall(piece)
        except OSError:
            pass
        for each in (source, sink):
            self._open.discard(each)
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

    def _wait(self, size):
        with self._change:
            while self._hold is not None and self.passed + size > self._hold:
                self._change.wait()
            self.passed += size
