"""Everything the story plays with, and its end: whatever happens, no process is left."""

import os
import sys

from console import Console
from daemon import end_all
from firmware import Releases
from fleet import Fleet
from servers import Servers
from sources import Sources

PRODUCT = "edgebox"
DEVICES = 20
SETTLE = "500ms"
LOG_LINES = 12


def is_set(name):
    return os.environ.get(name, "") not in ("", "0")


class Stage:
    def __init__(self, scratch):
        self.scratch = scratch
        self.settle = SETTLE
        self.corrupt = is_set("DEMO_CORRUPT")
        # The one list of what must be ended.
        self.daemons = []
        self.sources = Sources()
        self.releases = Releases(scratch.directory("firmware"))
        self.servers = Servers(self.sources, scratch, SETTLE)
        self.fleet = Fleet(PRODUCT, DEVICES, scratch)
        self.console = Console(self.sources.program("otactl"), self.servers.url, self.servers.token_file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.scratch.before_end()
        end_all(self.daemons)

    def show_logs(self):
        """The last lines of both servers, and of the device that spoke last."""
        servers = self.servers.daemons
        devices = [daemon for daemon in self.daemons if daemon not in servers]
        for daemon in servers + sorted(devices, key=lambda daemon: daemon.log.stat().st_mtime)[-1:]:
            print(f"--- the last lines of {daemon.name} ---", *daemon.tail(LOG_LINES), sep="\n", file=sys.stderr)
