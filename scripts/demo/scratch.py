"""Room for one demo: directories that only it uses, and ports that nobody else is given meanwhile."""

import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


def memory_directory():
    """Where a directory lives in memory, as the broker's journal wants it; None on a machine without."""
    for candidate in (SHARED_MEMORY, Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"))):
        if os.access(candidate, os.W_OK):
            return candidate
    return None


class Scratch:
    def __init__(self, keep, before_end):
        self.keep = keep
        self.before_end = before_end
        self.home = Path(tempfile.mkdtemp(prefix="ota-demo-"))
        base = memory_directory()
        self.memory = Path(tempfile.mkdtemp(prefix=self.home.name + "-", dir=base)) if base else self.directory("journal")
        self._reserved = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.before_end()
        for keeper in self._reserved:
            keeper.close()
        shutil.rmtree(self.memory, ignore_errors=True)
        if self.keep:
            print(f"demo: configurations and logs are in {self.home} (DEMO_KEEP)", file=sys.stderr)
        else:
            shutil.rmtree(self.home, ignore_errors=True)

    def directory(self, name):
        path = self.home / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def port(self):
        """A port of the loopback that stays ours: a socket bound to it with SO_REUSEADDR keeps the kernel from giving it to
        anybody who asks for a free one, and does not stand in the way of a server that sets the same option, because it never
        listens itself.
        """
        keeper = socket.socket()
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        self._reserved.append(keeper)
        return keeper.getsockname()[1]
