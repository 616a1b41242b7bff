"""Packages of several files: uploaded one by one, pushed as a list, counted as one delivery."""

import json
import os

import pytest

from gateway_rig.whole import otactl, system  # noqa: F401
from harness.wait import until
from sdk import C4
from sdk.fetch import Road

PRODUCT = "a1B2c3D4e5F"
FILES = {"app.bin": os.urandom(20000), "resources.bin": os.urandom(9000)}


@pytest.fixture
def paths(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in FILES]


@pytest.fixture
def packed(otactl, paths):
    """The package, and otactl."""
    otactl.good("product", "add", PRODUCT)
    otactl.good("device", "add", PRODUCT, "s1")
    return json.loads(otactl.good("package", "add", *paths, "-p", PRODUCT, "-v", "2.0", "-o", "json"))


def test_package_of_several_files_is_added_shown_and_verified(otactl, packed, system):
    assert [each["name"] for each in packed["files"]] == list(FILES)
    assert packed["size"] == 29000 and "sha256" not in packed
    shown = otactl.good("package", "show", packed["id"])
    assert "app.bin" in shown and "resources.bin" in shown and "28.3 KiB" in shown
    assert "28.3 KiB" in otactl.good("package", "list")
    verified = json.loads(otactl.good("package", "verify", packed["id"], "-o", "json"))
    assert [each["intact"] for each in verified["files"]] == [True, True]
    otactl.good("device", "add", PRODUCT, "s2")
    plan = otactl.good("batch", "create", "--package", packed["id"], "--kind", "verify", "--all", "--dry-run", "-o", "json")
    assert json.loads(plan)["bytes"] == 2 * 29000
    broker, _ = system
    broken = broker.package_dir / packed["files"][1]["sha256"]
    broken.chmod(0o600)
    broken.write_bytes(bytes(9000))
    result = otactl("package", "verify", packed["id"])
    assert result.code == 6 and "resources.bin: sha256 is" in result.err
    check = otactl("server", "check", "--deep")
    assert check.code == 7 and packed["files"][1]["sha256"] in check.out


BAD_NAMES = [
    (["a b.bin", "c.bin"], "a b.bin: a file of several goes to the devices under its name"),
    (["url", "c.bin"], "url: a file of several"), ([".hidden", "c.bin"], ".hidden: a file of several"),
    ([f"f{number}" for number in range(21)], "21 files: a package has at most 20"),
]


def test_names_and_numbers_of_files_are_refused_before_an_upload(otactl, system, tmp_path):
    otactl.good("product", "add", PRODUCT)
    for names, sentence in BAD_NAMES:
        for name in names:
            (tmp_path / name).write_bytes(b"x" + name.encode())
        result = otactl("package", "add", *[tmp_path / name for name in names], "-p", PRODUCT, "-v", "2")
        assert result.code == 2 and sentence in result.err
    result = otactl("package", "add", tmp_path / "c.bin", tmp_path / "none", "-p", PRODUCT, "-v", "2")
    assert result.code == 3 and "none: No such file" in result.err
    assert not system[1].packages()


def test_two_files_of_one_name_or_of_the_same_bytes_are_refused(otactl, tmp_path):
    otactl.good("product", "add", PRODUCT)
    for place, name, content in [("x", "a.bin", b"1"), ("y", "a.bin", b"2"), ("x", "b.bin", b"1")]:
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / name).write_bytes(content)
    add = ("package", "add", "-p", PRODUCT, "-v", "2")
    result = otactl(*add, tmp_path / "x/a.bin", tmp_path / "y/a.bin")
    assert result.code == 2 and "two have the name a.bin" in result.err
    result = otactl(*add, tmp_path / "x/a.bin", tmp_path / "x/b.bin")
    assert result.code == 2 and "two have the sha256" in result.err


def test_files_stand_alone_and_are_two_at_least(operator, broker):
    operator.ask("createProduct", productKey=PRODUCT)
    first, second = [{"name": name, **broker.add_file(content)} for name, content in FILES.items()]
    lost = {**second, "sha256": "0" * 64}
    for members, code, sentence in [
            ({"files": []}, "invalid", "2..20"), ({"files": [first]}, "invalid", "2..20"),
            ({"files": [first, 1]}, "invalid", "files"),
            ({"files": [first, {**second, "name": ".."}]}, "invalid", "name"),
            ({"size": 5}, "invalid", "size and files exclude each other"),
            ({"url": "http://h/x"}, "invalid", "url and files exclude each other"),
            ({"files": [first, lost]}, "not_found", "the package directory holds no file 000")]:
        refused = operator.refused("addPackage", productKey=PRODUCT, version="2", **{"files": [first, second], **members})
        assert refused.code == code and sentence in refused.message, refused
    assert list(operator.pages("listPackages")) == []
    refused = operator.refused("addFile", productKey=PRODUCT, size=lost["size"], sha256=lost["sha256"], md5=lost["md5"])
    assert refused.code == "not_found"


def attempt(otactl):
    return json.loads(otactl.good("device", "show", PRODUCT, "s1", "-o", "json"))["tasks"][0]["attempts"][0]


def test_device_of_c_4_takes_two_files_and_reports_zeros_and_one_hundred(otactl, packed, system):
    broker, gateway = system
    device = C4(broker, "s1", "x", Road(gateway.port)).power_up("1.0")
    device.cut = None  # of a line that is cut, what the gateway sent counts, not what arrived
    batch = json.loads(otactl.good("batch", "create", "--package", packed["id"], "--kind", "verify", "-d", "s1", "-o", "json"))
    offer = device.take(device.expect_push())
    first, second = offer.files
    for _ in offer.files:
        device.report(0)
    contents = [device.fetch(first, alone=False)]
    until(lambda: attempt(otactl).get("bytes") == 20000, "the first file to be counted")
    assert "fetchedAt" not in attempt(otactl), "one of two is no whole package"
    contents.append(device.fetch(second, alone=False))
    assert contents == list(FILES.values())
    told = until(lambda: attempt(otactl) if "fetchedAt" in attempt(otactl) else None, "the package to be whole")
    assert told["bytes"] == 29000
    device.report(100)
    device.client.fence()
    device.close()
    device.power_up("2.0")
    with broker.operator() as operator:
        assert operator.wait_batch(batch["id"], state="completed")["causes"] == {"version_reported": 1}
    device.close()


def test_batch_tags_travel_behind_the_packages_own(operator, scenario):
    device = scenario.device(version="1.0.0")
    udi = json.dumps({"model": "x", "sizes": [1, 2]}, separators=(",", ":"))
    package = scenario.package(extData={"site": "north", "line": "2", "_package_udi": udi})
    _, push = scenario.pushed(device, package, tags={"site": "south", "wave": "1"})
    assert push.data["extData"] == {"line": "2", "_package_udi": udi, "site": "south", "wave": "1"}
    assert list(push.data)[-1] == "extData"


BAD_TAGS = [
    ({"url": "x"}, "the key is a word of the protocol"), ({"a": "version"}, "is a word of the protocol"),
    ({"a": "{"}, "must not hold"), ({"_x": "1"}, "does not begin with _"), ({str(number): "" for number in range(11)}, "11 tags"),
    ({"_package_udi": "no object"}, "the text of a JSON object"), ({"_package_udi": '{"a":"}"}'}, "the text of a JSON object"),
]


def test_tags_that_devices_cannot_read_are_refused_where_they_are_set(operator, scenario):
    package = scenario.package()
    targets = {"names": ["sensor-01"]}
    for tags, sentence in BAD_TAGS:
        refused = operator.refused("createBatch", package=package["id"], kind="verify", targets=targets, tags=tags)
        assert sentence in refused.message and refused.path == "tags"
        refused = operator.refused("addPackage", productKey=PRODUCT, version="3", **operator.broker.add_file(b"x"), extData=tags)
        assert sentence in refused.message and refused.path == "extData"


def test_tags_of_package_and_batch_are_counted_together(operator, scenario):
    package = scenario.package(extData={f"p{number}": "" for number in range(6)})
    tags = {f"b{number}": "" for number in range(5)}
    refused = operator.refused("createBatch", package=package["id"], kind="verify", targets={"names": ["sensor-01"]}, tags=tags)
    assert "11 tags, at most 10" in refused.message and refused.path == "tags"
