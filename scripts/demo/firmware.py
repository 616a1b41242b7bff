"""The firmware that is rolled out: Debian's U-Boot, and two made of it by changing its version string in place."""

import hashlib
import re
from pathlib import Path

SOURCES = ("qemu_arm64", "qemu_arm", "qemu-x86_64", "qemu-riscv64")
VERSION = re.compile(rb"U-Boot (\d{4}\.\d{2})([^ \0]*) \(")


class NoFirmware(Exception):
    pass


class Firmware:
    def __init__(self, version, path, content):
        self.version = version
        self.path = path
        self.path.write_bytes(content)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.size = len(content)


def find_source():
    paths = [Path("/usr/lib/u-boot") / board / "u-boot.bin" for board in SOURCES]
    for path in paths:
        if path.exists():
            return path
    raise NoFirmware(f"there is no {paths[0]}; `make deps` installs it (package u-boot-qemu)")


class Releases:
    """`old` is what the devices run when they leave the factory, `good` the update, `bad` an update whose build went wrong."""

    def __init__(self, directory):
        source = find_source()
        content = source.read_bytes()
        found = VERSION.search(content)
        if not found:
            raise NoFirmware(f"{source} holds no \"U-Boot YYYY.MM...\"")
        self._directory = directory
        self._content = content
        self._release, self._suffix = found.group(1), found.group(2)
        self.source = source
        self.old = self._make(self._release)
        self.bad = self._make(self._later(1), broken=True)
        self.good = self._make(self._later(2))

    def _later(self, quarters):
        year, month = (int(part) for part in self._release.split(b"."))
        months = year * 12 + month - 1 + 3 * quarters
        return b"%04d.%02d" % (months // 12, months % 12 + 1)

    def _make(self, release, broken=False):
        """The same length: only the bytes of the version change. The broken one has lost what every U-Boot begins its banner
        with.
        """
        content = self._content.replace(self._release + self._suffix, release + self._suffix)
        if broken:
            content = content.replace(b"U-Boot " + release, b"\xff" * (7 + len(release)))
        version = (release + self._suffix).decode()
        return Firmware(version, self._directory / f"u-boot-{release.decode()}.bin", content)
