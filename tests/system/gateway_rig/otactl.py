"""otactl as a person or a script runs it."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import NamedTuple

from harness import places
from harness.sentences import heard
from harness.wait import DEADLINE

from .fake_broker import TOKEN

PROGRAM = places.BUILD / "ctl" / "otactl"


class Result(NamedTuple):
    code: int
    out: str
    err: str


class Otactl:
    """Each call is one run. The environment holds nothing of the person who runs the tests."""

    def __init__(self, url, home, token=TOKEN):
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "OTA_URL": url, "OTA_TOKEN": token, "TERM": "xterm"}

    def __call__(self, *words, stdin="", **environment):
        done = subprocess.run([PROGRAM, *map(str, words)], input=stdin.encode(), capture_output=True, timeout=2 * DEADLINE,
                              env=self._environment(environment))
        heard("otactl", "\n".join(line for line in done.stderr.decode().splitlines() if line.startswith("otactl: ")))
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def good(self, *words, **more):
        result = self(*words, **more)
        assert result.code == 0, result
        return result.out

    def start(self, *words):
        """A run that is still going on, with pipes."""
        return subprocess.Popen([PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
                                text=True)

    def on_terminal(self, *words, columns=80):
        """A run with a terminal of that width behind standard output and error; returns its code and everything it wrote."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([PROGRAM, *map(str, words)], stdin=follower, stdout=follower, stderr=follower,
                                   env=self.environment)
        os.close(follower)
        written = b""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:  # the last one behind the terminal is gone
                break
            if not data:
                break
            written += data
        os.close(leader)
        return process.wait(DEADLINE), written.decode()

    def _environment(self, changes):
        merged = {**self.environment, **changes}
        return {name: value for name, value in merged.items() if value is not None}
