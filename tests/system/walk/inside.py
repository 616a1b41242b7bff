"""Makes a machine of its own and becomes a shell in it.

Started by `unshare` in fresh mount, network and process namespaces: /etc, /var and /usr/local are the machine's with a sheet over
them, /run and /srv are empty, the loopback is private. Whatever is written there is gone with the last process. So instructions
can be followed to the letter, with their own paths and ports.

Usage: unshare --mount --net --pid --fork --kill-child --mount-proc python3 inside.py SCRATCH
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

SHEETS = ("/etc", "/var", "/usr/local")
EMPTY = {"/run": "0755", "/srv": "0755"}
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def mount(kind, where, options):
    subprocess.run(["mount", "-t", kind, "-o", options, kind, str(where)], check=True)


def make(scratch):
    mount("tmpfs", scratch, "mode=0755")
    for lower in SHEETS:
        sheet = scratch / lower.strip("/").replace("/", "-")
        for part in ("upper", "work"):
            (sheet / part).mkdir(parents=True)
        os.chmod(sheet / "upper", 0o755)
        mount("overlay", lower, f"lowerdir={lower},upperdir={sheet}/upper,workdir={sheet}/work")
    for where, mode in EMPTY.items():
        mount("tmpfs", where, f"mode={mode}")


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh14s", b"lo", IFF_UP, b""))


make(Path(sys.argv[1]))
raise_loopback()
os.chdir("/srv")
os.execvp("bash", ["bash", "--noprofile", "--norc"])
