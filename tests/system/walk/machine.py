"""A machine of its own, in which a page is followed."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from harness import places

HERE = Path(__file__).parent
DEADLINE = 60  # of one command; batches are watched to their end
ENTER = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


class Refused(Exception):
    """This machine lets us make none."""


class Machine:
    def __init__(self, scratch):
        scratch.mkdir()
        environment = {"PATH": f"{HERE / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME": "/srv/home", "OTA_BUILD": str(places.BUILD), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen([*ENTER, sys.executable, "-B", HERE / "inside.py", scratch], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
                                        cwd="/")
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        code, said = self.run("mkdir -p /srv/home && echo here")
        if code or said != ["here"]:
            self.close()
            raise Refused(" ".join(said) or "no shell")

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def run(self, command, deadline=DEADLINE):
        """Types it; returns its exit code and what it said. The shell stays the same, with its variables and directory."""
        mark = "end-of-command"
        try:
            self.process.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\n%s %s\\n' {mark} $?\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        said = []
        while True:
            try:
                line = self.lines.get(timeout=deadline)
            except queue.Empty:
                raise AssertionError(f"no end within {deadline} s:\n$ {command}\n" + "\n".join(said)) from None
            if line is None:
                return 1, said
            end = re.fullmatch(rf"{mark} (\d+)", line)
            if end:
                return int(end.group(1)), said[:-1] if said and not said[-1] else said
            said.append(line)

    def good(self, command):
        code, said = self.run(command)
        assert code == 0, f"$ {command}\n" + "\n".join(said)
        return said

    def write(self, path, text):
        self.good(f"mkdir -p {Path(path).parent} && cat >{path} <<'end-of-file'\n{text}\nend-of-file")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.reader.join()
        self.process.stdout.close()


def keep_install_log(function):
    """An installation leaves its list for `make uninstall` in the build: that of a real one comes back."""
    log = places.BUILD / "meson-logs/install-log.txt"
    before = log.read_bytes() if log.exists() else None
    try:
        function()
    finally:
        if before is not None:
            log.write_bytes(before)
        elif log.exists():
            log.unlink()


def missing():
    """What a machine of its own would need and is not there; "" = nothing."""
    absent = [tool for tool in ("unshare", "setpriv", "systemd-sysusers", "systemd-tmpfiles") if not shutil.which(tool)]
    return "root" if os.geteuid() != 0 else ", ".join(absent)
