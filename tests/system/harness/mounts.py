"""Small file systems in memory, for disks that are full or cannot be written. Only root may mount; others skip by name."""

import os
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(path, size):
    """A file system of that size ("24m") at the path; gone with what is on it."""
    path.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "ota-test", path]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {made.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def remount(path, options):
    subprocess.run(["mount", "-o", f"remount,{options}", path], check=True)


def fill(path, name="ballast"):
    """Takes what room is left; returns the file that holds it."""
    ballast = path / name
    with open(ballast, "wb", buffering=0) as file:  # a buffer would be written at the close, once more in vain
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
    return ballast
