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
KEEPER = ["unshare", "--mount", "--net", "--uts", "--ipc", sys.executable, "-B", str(HERE / "inside.py")]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Refused(Exception):
    """This machine lets us make none."""


class Machine:
    """Files are those of `root`; `stand_ins`: what is built already is not built again (bin/)."""

    def __init__(self, scratch, root="/", stand_ins=True):
        scratch.mkdir()
        places_there = [str(places.ROOT), str(places.BUILD)] if stand_ins else []
        with open(scratch.parent / "boot.log", "w+") as log:
            self.keeper = subprocess.Popen([*KEEPER, root, str(scratch), *places_there], stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, stderr=log, text=True, cwd="/")
            said = self.keeper.stdout.readline().split()
            if said[:1] != ["up"]:
                self.end_keeper()
                log.seek(0)
                raise Refused(log.read().strip().split("\n")[-1])
        self.process = self.shell(said[1], f"{HERE / 'bin'}:{PATH}" if stand_ins else PATH)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.good("mkdir -p /srv/home && cd /srv")

    @staticmethod
    def shell(first_process, path):
        environment = {"PATH": path, "HOME": "/srv/home", "OTA_BUILD": str(places.BUILD), "LANG": "C.UTF-8",
                       "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(["nsenter", "--all", "--target", first_process, "bash", "--noprofile", "--norc"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=environment)

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
        self.end_keeper()
        self.process.stdin.close()
        self.reader.join()
        self.process.stdout.close()

    def end_keeper(self):
        self.keeper.stdin.close()
        self.keeper.wait()
        self.keeper.stdout.close()


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
    absent = [tool for tool in ("unshare", "nsenter", "systemctl") if not shutil.which(tool)]
    return "root" if os.geteuid() != 0 else ", ".join(absent)
