"""Resident memory of a process, read in a quiet moment."""

import time
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    pid: int
    total: int  # KiB, as all of these
    anonymous: int
    file: int
    shared: int


def read(process):
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if ":" in line)
    return Memory(process.pid, *(int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon", "RssFile", "RssShmem")))


def quietest(process, seconds):
    """The least of some looks: what is held, without what was just passing through."""
    end = time.monotonic() + seconds
    looks = [read(process)]
    while time.monotonic() < end:
        time.sleep(0.2)
        looks.append(read(process))
    return min(looks, key=lambda look: look.total)
