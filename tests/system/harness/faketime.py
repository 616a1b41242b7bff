"""A wall clock of its own for one process, moved while it runs (Debian's libfaketime). Clocks that never step are left alone."""

import os
import time
from pathlib import Path

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    """Right until it is moved. `environment` belongs to the process."""

    def __init__(self, home):
        self.path = Path(home) / "clock"
        self.move(0)
        self.environment = {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"} if LIBRARIES else {}

    def move(self, seconds):
        """So far from the true time."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        os.replace(fresh, self.path)

    def move_to(self, when):
        """To these seconds since 1970."""
        self.move(int(when - time.time()))
