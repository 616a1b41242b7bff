"""The desk: the plugin's control, engine and store in one process, fed with frames. Every frame is kept, so that a failure
replays.
"""

import hashlib
import json
import os
import sqlite3
import struct
import subprocess
from pathlib import Path

from . import places

PROGRAM = places.BUILD / "tests" / "fuzz" / "desk"
ARTIFACTS = (b"image of version 2.0.0", b"x" * 100_000)


class Died(Exception):
    """The process ended in the middle of the work."""


class Desk:
    """Frames in, answers out. `record` gets every frame before it is sent."""

    def __init__(self, home, record=None):
        self.home = Path(home)
        self.home.mkdir(parents=True)
        self.artifacts = [self._place(data) for data in ARTIFACTS]
        self.record = open(record, "wb") if record else None
        self.errors = open(self.home / "stderr", "wb+")
        self.process = subprocess.Popen([PROGRAM, self.home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.token = self._read().decode()

    def _place(self, data):
        sha256 = hashlib.sha256(data).hexdigest()
        (self.home / sha256).write_bytes(data)
        return len(data), sha256, hashlib.md5(data).hexdigest()

    def request(self, text):
        """The answer to an operator's request."""
        return self.frame(b"c" + text)

    def message(self, topic, payload):
        """"" or why a device's message was refused."""
        return self.frame(b"m" + topic.encode("utf-8", "surrogateescape") + b"\0" + payload).decode()

    def ask(self, command, **members):
        """The data of a command that must succeed."""
        text = json.dumps({"commands": [{"command": command, "token": self.token, **members}]})
        response = json.loads(self.request(text.encode()))["responses"][0]
        assert "data" in response, response
        return response["data"]

    def frame(self, frame):
        data = struct.pack("<I", len(frame)) + frame
        if self.record:
            self.record.write(data)
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Died(self.why()) from None
        return self._read()

    def _read(self):
        return self._take(struct.unpack("<I", self._take(4))[0])

    def _take(self, size):
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise Died(self.why())
        return data

    def why(self):
        code = self.process.wait()
        self.errors.seek(0)
        return f"the desk ended with {code}: {self.errors.read().decode(errors='replace')[-4000:]}"

    def resident_bytes(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def close(self):
        """The end of the input; it must end well and leave a sound store."""
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise Died(self.why())
        self.process.stdout.close()
        self.errors.close()
        if self.record:
            self.record.close()
        return store_problem(self.home / "ota.db")

    def kill(self):
        self.process.kill()
        self.process.wait()
        if self.record:
            self.record.close()


def frames_of(path):
    """The frames of a record."""
    data = Path(path).read_bytes()
    at = 0
    while at < len(data):
        size = struct.unpack_from("<I", data, at)[0]
        yield data[at + 4:at + 4 + size]
        at += 4 + size


def store_problem(path):
    """What is unsound in a store: its pages, or counters that differ from a recount; None if nothing is."""
    with sqlite3.connect(path) as store:
        problems = [row[0] for row in store.execute("PRAGMA integrity_check") if row[0] != "ok"]
        problems += [f"no parent: {row}" for row in store.execute("PRAGMA foreign_key_check")]
        kept = "SELECT batch_id, state, cause, n FROM batch_count WHERE n <> 0"
        counted = "SELECT batch_id, state, cause, count(*) FROM task GROUP BY batch_id, state, cause"
        for what, sql in (("kept only", f"{kept} EXCEPT {counted}"), ("counted only", f"{counted} EXCEPT {kept}")):
            problems += [f"batch counter, {what}: {row}" for row in store.execute(sql)]
    return "; ".join(problems[:10]) or None
