"""Other releases of Mosquitto, fetched with apt from the machine's own mirror into the build directory.

The machine's apt configuration is only read (for the mirror's address); lists, cache and status are private. A release is
unpacked, never installed: one for the same Debian runs on the system's libraries, a newer one through its own dynamic loader on
its own libraries.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple, Tuple

from . import places

MULTIARCH = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip() or "x86_64-linux-gnu"


class Unavailable(Exception):
    """This machine cannot provide that release; the text says why."""


class Release(NamedTuple):
    """A broker that can be started: `command` goes before its arguments."""
    version: str
    command: Tuple[str, ...]


class Source(NamedTuple):
    """A suite of the distribution's archive. `own_libraries`: it is of another generation than this machine."""
    suite: str
    packages: Tuple[str, ...]
    own_libraries: bool


SOURCES = {
    "2.0.21": Source("bookworm-backports", ("mosquitto",), False),
    # what the plugin itself links to must come from the same generation as the broker's libc
    "2.1": Source("forky", ("mosquitto", "libcjson1", "libsqlite3-0", "libssl3t64"), True),
}


def installed():
    """The broker of this machine."""
    path = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise Unavailable("mosquitto is not installed")
    return Release(_ask_version((path,)), (path,))


def default():
    """What tests run on: this machine's broker, or the release OTA_MOSQUITTO names ("2.0.21", "2.1")."""
    name = os.environ.get("OTA_MOSQUITTO")
    return fetched(name) if name else installed()


def fetched(name):
    """The release called "2.0.21" or "2.1"; fetched once, then taken from the build directory."""
    home = places.BUILD / "brokers" / name
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            _fetch(SOURCES[name], home)
            (home / "complete").touch()
    command = _command(SOURCES[name], home / "root")
    return Release(_ask_version(command), command)


def _command(source, root):
    broker = str(root / "usr/sbin/mosquitto")
    libraries = root / "usr/lib" / MULTIARCH
    if not source.own_libraries:
        return ("/usr/bin/env", f"LD_LIBRARY_PATH={libraries}", broker)
    loader = next(iter(sorted(libraries.glob("ld-linux*.so*"))), None)
    if loader is None:
        raise Unavailable(f"no dynamic loader in {libraries}")
    return (str(loader), "--library-path", str(libraries), broker)


def _ask_version(command):
    try:
        told = subprocess.run([*command, "-h"], capture_output=True, text=True, timeout=30)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error}") from error
    words = told.stdout.split("\n")[0].split()
    if words[:2] != ["mosquitto", "version"]:
        raise Unavailable(f"{command[0]} does not tell its version: {told.stdout[:80]!r} {told.stderr[:200]!r}")
    return words[2]


def _fetch(source, home):
    if os.geteuid() != 0:
        raise Unavailable("fetching other releases needs root (apt's sandbox)")
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise Unavailable(f"no {tool} on this machine")
    scratch, root = home / "apt", home / "root"
    for path in (scratch, root):
        places.remove(path)
        path.mkdir(parents=True)
    options = _private_apt(source, scratch)
    _apt(options, "update")
    wanted = source.packages if source.own_libraries else tuple(f"{each}/{source.suite}" for each in source.packages)
    _apt(options, "install", "--download-only", "--yes", "--no-install-recommends", *wanted)
    for package in sorted((scratch / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    # some libraries get the link of their soname only at installation
    subprocess.run(["/sbin/ldconfig", "-n", str(root / "usr/lib" / MULTIARCH)], check=True)
    places.remove(scratch)


def _private_apt(source, scratch):
    """Options that keep apt inside `scratch`. With the machine's own status apt fetches only what differs from it, with an empty
    one everything.
    """
    for path in ("state/lists/partial", "cache/archives/partial", "parts"):
        (scratch / path).mkdir(parents=True)
    status = scratch / "status"
    status.write_bytes(b"" if source.own_libraries else Path("/var/lib/dpkg/status").read_bytes())
    suites = {source.suite} if source.own_libraries else {source.suite, _codename()}
    (scratch / "sources.list").write_text("".join(f"deb {_mirror()} {suite} main\n" for suite in sorted(suites)))
    settings = {
        "Dir::Etc::sourcelist": scratch / "sources.list",
        "Dir::Etc::sourceparts": scratch / "parts",
        "Dir::Etc::preferencesparts": scratch / "parts",
        "Dir::State": scratch / "state",
        "Dir::State::status": status,
        "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "1",
        "Acquire::http::Timeout": "20",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _apt(options, *arguments):
    done = subprocess.run(["apt-get", "-q", *options, *arguments], capture_output=True, text=True, timeout=300)
    # apt-get update that reached nobody only warns
    if done.returncode or "Failed to fetch" in done.stderr:
        last = (done.stderr.strip().split("\n") or [""])[-1]
        raise Unavailable(f"apt-get {arguments[0]}: {last[:200]}")


def _codename():
    for line in Path("/etc/os-release").read_text().split("\n"):
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise Unavailable("this machine does not tell its release's codename")


def _mirror():
    """Where this machine gets its own release from."""
    told = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages"],
                          capture_output=True, text=True, timeout=60)
    for line in told.stdout.split("\n"):
        words = line.split()
        if words[1:] == [_codename(), "main"]:
            return words[0]
    raise Unavailable("apt on this machine knows no mirror of its release")
