"""README, docs/cookbook.md and the examples of man pages, followed to the letter on a machine of its own, with a systemd of its
own (tests/system/walk).

Everything in a shell block is typed as it stands, in the order of the pages, and what a page shows must come.
"""

import os

import pytest

from walk import page
from walk.machine import keep_install_log
from walk.reader import COOKBOOK, README, Reader, examples, machine_of_ones_own, part

MORE_BOXES = ["box-0002"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    machine = machine_of_ones_own(tmp_path_factory.mktemp("walk") / "scratch")
    yield Reader(machine)
    if os.environ.get("OTA_WALK"):
        print("\n".join(machine.run("journalctl --no-pager | tail -60; tail -60 /var/log/mosquitto/*.log")[1]))
    machine.close()


def other_boxes(reader):
    """The devices a reader has besides his first: an agent each, as README starts it, in a directory of its own."""
    run = reader.machine
    for name in MORE_BOXES:
        run.good(f"sed 's|box-0001|{name}|; s|/var/lib/ota-agent|/var/lib/ota-{name}|; s|/device.secret|/{name}.secret|' "
                 f"/etc/ota/agent.conf >/etc/ota/{name}.conf")
        run.good(f"(umask 077; sed -n s/edgebox,{name},//p secrets.csv >/etc/ota/{name}.secret)")
        run.good(f"chown ota-agent /etc/ota/{name}.secret")
        run.good(f"ota-agent --config /etc/ota/{name}.conf --provision firmware.bin --version 1.0")
        run.good(f"sed 's|agent.conf|{name}.conf|; s|^StateDirectory=.*|StateDirectory=ota-{name} ota-{name}/slots|' "
                 f"/usr/local/lib/systemd/system/ota-agent.service >/etc/systemd/system/{name}.service && systemctl start {name}")


def test_readme_brings_the_update_server_to_a_mosquitto(reader):
    keep_install_log(lambda: reader.follow(part(README, "Adding it to the Mosquitto you have")))


def test_readme_brings_a_device(reader):
    reader.follow(part(README, "Bringing a device"))
    other_boxes(reader)


@pytest.mark.parametrize("title", list(page.sections(COOKBOOK.read_text())))
def test_cookbook(reader, title):
    reader.follow(part(COOKBOOK, title))


def test_manual_of_otactl(reader):
    reader.follow(examples("otactl.1"))


def test_manual_of_the_gateway_before_it_runs(reader):
    """Settings are checked first, and then systemd has lent no secret yet."""
    reader.machine.good("systemctl stop ota-gateway")
    reader.follow(examples("ota-gateway.8"))
    reader.machine.good("systemctl start ota-gateway")
