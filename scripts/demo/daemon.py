"""One long-running program of the demo: its log, its end."""

import ctypes
import os
import select
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
PATIENCE_S = 3


class Died(Exception):
    pass


def end_with_parent():
    """The kernel ends it when the demo itself is killed and can end nothing any more. Survives exec, so also an agent that starts
    itself anew.
    """
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Daemon:
    def __init__(self, name, command, log):
        self.name = name
        self.log = log
        # A session of its own: Ctrl-C in the terminal reaches the demo, which ends its children in order.
        with open(log, "ab") as output:
            self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                             stderr=output, start_new_session=True, preexec_fn=end_with_parent)
        self.pid = self._process.pid
        self._handle = os.pidfd_open(self.pid)

    def check(self):
        if self._has_ended():
            raise Died(f"{self.name} ended by itself; its log says: {self.last_words()}")

    def last_words(self):
        return " / ".join(self.tail(3)) or "nothing"

    def tail(self, count):
        return self.log.read_text(errors="replace").splitlines()[-count:]

    def ask_to_end(self):
        if not self._has_ended():
            os.kill(self.pid, signal.SIGTERM)

    def end(self, deadline):
        """Waits; whoever has not ended by then is killed, and with it what it started. Its number is given back only after that,
        so that the signal cannot reach a stranger.
        """
        self._has_ended(max(0, deadline - time.monotonic()))
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._handle)

    def _has_ended(self, wait_s=0):
        return bool(select.select([self._handle], [], [], wait_s)[0])


def end_all(daemons):
    for daemon in daemons:
        daemon.ask_to_end()
    deadline = time.monotonic() + PATIENCE_S
    for daemon in daemons:
        daemon.end(deadline)
