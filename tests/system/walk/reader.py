"""Somebody who follows pages on a machine of his own.

He types what stands in their shell blocks. Put in its place are only: `make` and `sudo` (bin/, where what is tested is built
already), what a reader edits (EDITS), his files (FILES), and ids: where a page shows the bare number that `-o name` prints, that
number means the real one in all that follows.
"""

import os
import re
import time

import pytest

from harness import places, sanitizer
from harness.wait import DEADLINE
from walk import page
from walk.machine import Machine, Refused, missing

README = places.ROOT / "README.md"
COOKBOOK = places.ROOT / "docs/cookbook.md"
# A Debian of its own with the project built in it (make walk); without one, this machine's own files serve.
FRESH_ROOT = os.environ.get("OTA_WALK_ROOT")
FRESH_SOURCE = "/usr/src/mosquitto-ota"

# "yours to decide" of README: file, what stands there, what a reader without TLS makes of it.
EDITS = {
    "/etc/mosquitto/conf.d/ota.conf": [
        ("plugin_opt_ota_gateway_url .*", "plugin_opt_ota_gateway_url http://127.0.0.1:8080"),
        # Not to wait for what tests/system/test_versions.py waits for.
        ("plugin_opt_ota_device_auth triple", "plugin_opt_ota_device_auth triple\nplugin_opt_ota_settle 200ms"),
    ],
    "/etc/ota/agent.conf": [
        ("broker = .*", "broker = mqtt://127.0.0.1:1883"), ("product_key = .*", "product_key = edgebox"),
        ("device_name = .*", "device_name = box-0001"), ("#url_schemes = https", "url_schemes = http https"),
        ("#check = .*", "check = /usr/local/share/doc/mosquitto-ota/examples/hooks/check-uboot"),
    ],
}


def firmware(version):
    return f"U-Boot {version} (a firmware of {version})\n" * 1000


FILES = {"firmware.bin": firmware("2023.01"), "fw.bin": firmware("2023.04"), "fw-1.0.bin": firmware("2023.01 again"),
         "trial.txt": "box-0001\nbox-0002\n",
         "bad.bin": "not what a device boots\n" * 1000,
         "triples.csv": "DeviceName,DeviceSecret,ProductKey,tag:site\n"
                        "meter-01,6fC3kq0rXyVb1TnUe2hZ5sWd8aLpGm47,a1B2c3D4e5F,north\n"
                        "meter-02,Q9wErT7yUiOp1AsDfG3hJkL5zXcVb2Nm,a1B2c3D4e5F,south"}
LOOKS = re.compile(r"^otactl \w+ (list|show|tasks|versions|status)\b")


class Reader:
    """Follows pages."""

    def __init__(self, machine):
        self.machine = machine
        self.ids = {}
        self.unedited = dict(EDITS)

    def follow(self, steps):
        for step in steps:
            command = self.with_ids(step.command)
            code, said = self.type(command, step)
            if os.environ.get("OTA_WALK"):
                print(f"\n{step.title}: $ {command}   ({code})\n" + "\n".join(said))
            told = f"{step.title}: $ {command}\n" + "\n".join(said)
            refused = [line for line in step.shown if line.startswith("otactl: ")]
            assert code == 0 or refused, f"exit code {code} of {told}"
            self.learn_id(step, said)
            missing = page.fits(step.shown, said)
            assert missing == [], f"{told}\n\nis shown in the page, but did not come: {missing}"
            self.edit()

    def type(self, command, step):
        """A reader who only looks looks again until he sees what the page shows. He ends what follows the log."""
        if " --follow" in command:
            return 0, self.machine.run(f"timeout -s INT 1 {command}")[1]
        end = time.monotonic() + DEADLINE
        while True:
            code, said = self.machine.run(command)
            satisfied = code == 0 and page.fits(step.shown, said) == []
            if satisfied or not LOOKS.match(command) or time.monotonic() > end:
                return code, said

    def with_ids(self, command):
        return re.sub(r"(?<=[ /])\d+(?=[\s;]|$)", lambda match: self.ids.get(match.group(), match.group()), command)

    def learn_id(self, step, said):
        if len(step.shown) == 1 and re.fullmatch(r"\d+", step.shown[0]) and said:
            self.ids[step.shown[0]] = said[-1]

    def edit(self):
        for path in [each for each in self.unedited if self.machine.run(f"test -e {each}")[0] == 0]:
            for old, new in self.unedited.pop(path):
                self.machine.good(f"grep -q '^{old}$' {path} && sed -i 's|^{old}$|{new}|' {path}".replace("\n", "\\n"))


def machine_of_ones_own(scratch):
    """A machine with the sources to stand in and a reader's files, or the test is skipped with the reason."""
    if missing():
        pytest.skip(f"no machine of its own: it needs {missing()}")
    if sanitizer.chosen():
        pytest.skip("programs are installed and started as they are, without a sanitizer's library")
    try:
        machine = Machine(scratch, FRESH_ROOT or "/", stand_ins=not FRESH_ROOT)
    except Refused as reason:
        pytest.skip(f"no machine of its own: {reason}")
    machine.good(f"cd {FRESH_SOURCE}" if FRESH_ROOT
                 else f"mkdir /srv/mosquitto-ota && cd /srv/mosquitto-ota && cp -r {places.ROOT}/examples .")
    for name, text in FILES.items():
        machine.write(name, text)
    return machine


def examples(name):
    """What a man page shows, in its own spelling of a backslash."""
    text = (places.ROOT / "docs/man" / f"{name}.scd").read_text().replace("\\\\", "\\")
    return page.steps(text.partition("# EXAMPLES\n")[2].partition("\n# ")[0], name)


def part(path, title):
    return page.steps(page.sections(path.read_text())[title], title)
