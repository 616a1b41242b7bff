"""Groups of devices, the whole way: otactl, gateway, broker with the plugin. What each command answers is held by the unit tests
of plugin/control; here long lists go through, and batches by group."""

import json
import time
from pathlib import Path

import pytest

from gateway_rig.whole import otactl, system  # noqa: F401
from harness.wait import until

PRODUCT = "pk1"


def told(otactl, *words, **more):
    return json.loads(otactl.good(*words, "-o", "json", **more))


def long_told(otactl, *words):
    """What may take minutes."""
    going = otactl.start(*map(str, words), "-o", "json")
    out, err = going.communicate()
    assert going.returncode == 0, err
    return json.loads(out)


@pytest.fixture
def registered(system, otactl, tmp_path):
    """Registers that many devices and gives the file of their names."""
    otactl.good("product", "add", PRODUCT)

    def register(count):
        path = tmp_path / "names"
        with path.open("w") as names:
            names.writelines(f"device-{n:07d}\n" for n in range(count))
        assert long_told(otactl, "device", "add", PRODUCT, "--names-file", path)["registered"] == count
        return path
    return register


def resident(process, line="VmRSS"):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(each for each in status.splitlines() if each.startswith(line + ":")).split()[1]) >> 10


def test_a_group_from_the_command_line(system, otactl, registered):
    registered(3)
    first, second = "device-0000000", "device-0000001"
    shown = otactl.good("group", "add", PRODUCT, "lab", first, "ghost", second)
    assert shown.split("\n")[:5] == ["added            2", "already members  0", "not registered   1", "such as          ghost",
                                     "members now      2"]
    assert otactl.good("group", "members", PRODUCT, "lab", "-o", "name").split() == [first, second]
    assert told(otactl, "group", "remove", PRODUCT, "lab", first)["members"] == 1
    assert [each["group"] for each in told(otactl, "group", "list", PRODUCT)] == ["lab"]
    assert told(otactl, "device", "list", "-p", PRODUCT, "-w", "group = lab")[0]["deviceName"] == second
    assert told(otactl, "group", "add", PRODUCT, "empty")["members"] == 0
    wrong = otactl("device", "list", "-p", PRODUCT, "-w", "group = lba")
    assert (wrong.code, wrong.err) == (3, "otactl: --where: product pk1 has no group lba\n")
    tried = told(otactl, "group", "add", PRODUCT, "tried", first, "--dry-run")
    assert (tried["added"], tried["dryRun"]) == (1, True)
    otactl.good("group", "delete", PRODUCT, "lab")
    assert [each["group"] for each in told(otactl, "group", "list", PRODUCT)] == ["empty"]


def test_a_batch_for_more_names_than_a_command_holds(system, otactl, registered, tmp_path):
    names = registered(1500)
    names.write_text(names.read_text() + "ghost\n")
    (tmp_path / "image").write_bytes(b"image")
    package = told(otactl, "package", "add", tmp_path / "image", "-p", PRODUCT, "-v", "2.0")
    plan = otactl("batch", "create", "--package", package["id"], "-k", "verify", "--names-file", names, "--dry-run", "-o", "json")
    assert (plan.code, json.loads(plan.out)["matches"]) == (0, 1500), plan
    assert "1 of the names are no registered devices, ghost for one; they are left out" in plan.err
    made = otactl("batch", "create", "--package", package["id"], "-k", "verify", "--names-file", names, "-o", "json")
    batch = json.loads(made.out)
    group = batch["where"].removeprefix("group = ")
    assert batch["where"].startswith("group = names-") and f"the names are group {group} of product pk1" in made.err
    until(lambda: told(otactl, "batch", "show", batch["id"])["state"] == "running", "it runs")
    assert told(otactl, "batch", "show", batch["id"])["total"] == 1500
    # The same list is the same group.
    assert len(told(otactl, "group", "list", PRODUCT)) == 1


def test_a_plan_by_group_counts_conflicts_and_names_them(system, otactl, registered, tmp_path):
    registered(30)
    (tmp_path / "image").write_bytes(b"image")
    devices = [f"device-{n:07d}" for n in range(30)]
    package = told(otactl, "package", "add", tmp_path / "image", "-p", PRODUCT, "-v", "2.0")
    otactl.good("group", "add", PRODUCT, "lab", *devices[:25])
    otactl.good("device", "disable", PRODUCT, devices[0])
    busy = told(otactl, "batch", "create", "--package", package["id"], "-k", "verify", *(f"-d{name}" for name in devices[2:28]))
    until(lambda: told(otactl, "batch", "show", busy["id"])["state"] == "running", "it runs")
    (tmp_path / "image").write_bytes(b"other")
    other = told(otactl, "package", "add", tmp_path / "image", "-p", PRODUCT, "-v", "3.0")
    plan = told(otactl, "batch", "create", "--package", other["id"], "-k", "verify", "-w", "group = lab", "--dry-run")
    assert plan["matches"] == 1
    assert plan["excluded"] == {"already_at_target": 0, "conflict": 23, "unknown_device": 0, "barred": 1}
    assert plan["conflicts"] == devices[2:22]
    assert not plan.get("estimated")


def list_measured(system, otactl, path, count):
    """Time and memory of a whole list, and what informs would feel of it: how long a read takes meanwhile."""
    broker, gateway = system
    before, began = (gateway.resident_bytes() >> 20, resident(broker.process)), time.monotonic()
    going = otactl.start("group", "add", PRODUCT, "all", "--names-file", str(path), "-o", "json")
    waits = []
    while going.poll() is None:
        asked = time.monotonic()
        otactl.good("product", "show", PRODUCT)
        waits.append(time.monotonic() - asked)
    took, shown = time.monotonic() - began, json.loads(going.stdout.read())
    going.stdout.close()
    going.stderr.close()
    after = (gateway.resident_bytes("VmHWM") >> 20, resident(broker.process, "VmHWM"))
    print(f"{count} names into a group: {took:.1f} s, {count / took:.0f} a second; gateway {before[0]} MiB, at most {after[0]};"
          f" broker {before[1]} MiB, at most {after[1]}; a read meanwhile takes {max(waits) * 1000:.0f} ms at the most")
    assert (shown["added"], shown["members"], shown["unknown"]) == (count, count, 0)
    return after[0] - before[0], after[1] - before[1]


def test_a_list_of_20_000(system, otactl, registered):
    gateway, broker = list_measured(system, otactl, registered(20_000), 20_000)
    assert gateway < 4 and broker < 40


@pytest.mark.slow
def test_a_list_of_a_million(system, otactl, registered):
    began = time.monotonic()
    path = registered(1_000_000)
    print(f"1000000 devices registered: {time.monotonic() - began:.1f} s")
    gateway, broker = list_measured(system, otactl, path, 1_000_000)
    assert gateway < 4 and broker < 40
    began = time.monotonic()
    assert long_told(otactl, "group", "add", PRODUCT, "all", "--names-file", path)["already"] == 1_000_000
    print(f"the same list again: {time.monotonic() - began:.1f} s")
