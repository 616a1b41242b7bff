"""Makes a machine of its own and boots it, with a systemd of its own as its first process.

Started by `unshare` in fresh mount, network, host name and IPC namespaces. The machine's files are those of ROOT with a sheet
over them: whatever is written there is gone with the machine. /dev, /run, /srv and /tmp are its own, the loopback is private,
kernel settings are read-only. So instructions can be followed to the letter, with their own paths, ports and services.

It says "up PID", the first process as it is seen from outside, as soon as systemd finished booting; it ends the machine when its
own standard input does.

Usage: unshare --mount --net --uts --ipc python3 inside.py ROOT SCRATCH [DIRECTORY OF THIS MACHINE THAT IS THERE, TOO]...
"""

import fcntl
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
BOOT_DEADLINE = 30
# Nodes of its own: those of this machine would take the modes and owners that a boot gives them.
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}


def run(*words):
    subprocess.run([str(word) for word in words], check=True)


def mount(kind, where, options):
    where.mkdir(exist_ok=True)
    run("mount", "-t", kind, "-o", options, kind, where)


def make_files(lower, scratch):
    mount("tmpfs", scratch, "mode=0755")
    root = scratch / "root"
    for part in ("upper", "work"):
        (scratch / part).mkdir(mode=0o755)
    mount("overlay", root, f"lowerdir={lower},upperdir={scratch}/upper,workdir={scratch}/work")
    for where in ("dev", "run", "srv", "tmp"):
        mount("tmpfs", root / where, "mode=" + ("1777" if where == "tmp" else "0755"))
    mount("devpts", root / "dev/pts", "newinstance,ptmxmode=0666,mode=620")
    mount("tmpfs", root / "dev/shm", "mode=1777")
    for name, number in DEVICES.items():
        os.mknod(root / "dev" / name, stat.S_IFCHR, os.makedev(*number))
        (root / "dev" / name).chmod(0o666)
    for name, target in LINKS.items():
        (root / "dev" / name).symlink_to(target)
    return root


def bring(root, places):
    """Directories of this machine that are needed there under the same name."""
    for place in places:
        there = root / place.lstrip("/")
        there.mkdir(parents=True, exist_ok=True)
        run("mount", "--bind", place, there)


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh14s", b"lo", IFF_UP, b""))


def make_group(scratch):
    """A control group below our own, in which the machine's systemd is master."""
    mount("cgroup2", scratch / "cgroup", "rw")
    own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))[3:]
    group = scratch / "cgroup" / own.lstrip("/") / f"ota-walk-{os.getpid()}"
    group.mkdir()
    return group


def remove_group(group):
    for folder, _, _ in os.walk(group, topdown=False):
        os.rmdir(folder)


def boot(root, group):
    """In the group before its namespace is made, so that the group is the machine's root of groups."""
    fresh = ["unshare", "--cgroup", "--pid", "--fork", "--kill-child", "--mount", "--propagation", "private"]
    return subprocess.Popen(["sh", "-c", 'echo 0 >"$0" && exec "$@"', group / "cgroup.procs", *fresh, HERE / "boot", root],
                            stdin=subprocess.DEVNULL)


def first_process(machine):
    return int(Path(f"/proc/{machine.pid}/task/{machine.pid}/children").read_text().split()[0])


def end(machine):
    """Its first process takes all others along, and `unshare` stays until they are gone."""
    if machine.poll() is None:
        os.kill(first_process(machine), signal.SIGKILL)
        machine.wait()


def wait_until_up(listener):
    """What systemd tells its container's manager at the end of the boot."""
    while "READY=1" not in listener.recv(4096).decode().split("\n"):
        pass


def main():
    lower, scratch, places = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    root = make_files(lower, scratch)
    bring(root, places)
    raise_loopback()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(root / "run/booted"))
    listener.settimeout(BOOT_DEADLINE)
    group = make_group(scratch)
    machine = boot(root, group)
    try:
        wait_until_up(listener)
        print("up", first_process(machine), flush=True)
        sys.stdin.read()
    finally:
        end(machine)
        remove_group(group)


main()
