"""otactl device import and device tag: tables as people have them, mistakes told with line and column, nothing done by half."""

import json
import re
import subprocess

import pytest

from gateway_rig.fake_broker import Refusal
from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, otactl, plugin  # noqa: F401
from gateway_rig.otactl import PROGRAM
from harness import sanitizer

pytestmark = pytest.mark.needs_no_plugin


@pytest.fixture
def server(plugin):
    """Knows every product, and every device as new."""
    plugin.answers["getProduct"] = lambda asked: {"productKey": asked["productKey"]}
    plugin.answers["importDevices"] = lambda asked: {"registered": len(asked["devices"]), "already": 0, "changed": 0}
    return plugin


@pytest.fixture
def table(tmp_path):
    def write(content):
        path = tmp_path / "devices.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return write


def imported(server):
    return [(each["productKey"], device) for each in server.asked("importDevices") for device in each["devices"]]


@pytest.mark.parametrize("content", [
    'device_name,product_key,device_secret,tag:site,tag:rack\nd1,pk1,s1,"Hall 3, east",\nd2,pk1,,"say ""hi""",7\n',
    '\ufeffDeviceName,ProductKey,DeviceSecret,tag:site,tag:rack\r\nd1,pk1,s1,"Hall 3, east",\r\n\r\nd2,pk1,,"say ""hi""",7',
    'product_key,tags,device_secret,device_name\npk1,"site=Hall 3, east",s1,d1\npk1,"site=say ""hi"";rack=7;",,d2\n',
], ids=["plain", "mark and CRLF", "tags in one column"])
def test_table_is_read_as_people_write_it(server, otactl, table, content):
    shown = json.loads(otactl.good("device", "import", table(content), "-o", "json"))
    assert shown == {"registered": 2, "changed": 0, "already": 0}
    assert imported(server) == [
        ("pk1", {"deviceName": "d1", "secret": "s1", "tags": {"site": "Hall 3, east"}}),
        ("pk1", {"deviceName": "d2", "tags": {"site": 'say "hi"', "rack": "7"}})]


@pytest.mark.parametrize("content, said", [
    ("", "is empty; the first line names the columns"),
    ("device_name\n", "holds no device"),
    ("device_nme\nd1\n", "line 1, column 1: \"device_nme\" is no column of an import; perhaps \"device_name\" is meant"),
    ("name;secret\nd1;s\n", "parted by semicolons"),
    ("device_name,IotId\nd1,7\n", "line 1, column 2: \"IotId\" is no column of an import; allowed: device_name"),
    ("device_name,device_name\nd1,d1\n", "line 1, column 2: the column \"device_name\" stands twice"),
    ("device_name,tag:a,tag:a\nd1,1,2\n", "line 1, column 3: the column \"tag:a\" stands twice"),
    ("device_secret\ns\n", "no column is device_name"),
    ("device_name,device_secret\nd1\n", "line 2 has 1 columns, the first line has 2"),
    ("device_name\nd1,s\n", "line 2 has 2 columns, the first line has 1"),
    ("device_name,tag:a\nd1,1\n,2\n", "line 3 names no device"),
    ("device_name\nd1\nd 2\n", "line 3, column 1: "),
    ("device_name,device_secret\nd1,s\nd2,two words\n", "line 3, column 2: "),
    ("device_name,tag:a b\nd1,1\n", "line 2, column 2: tag \"a b\""),
    ("device_name,tags\nd1,a\n", "line 2, column 2: tags are KEY=VALUE"),
    ("device_name,tags,tag:a\nd1,a=1,2\n", "line 2, column 3: tag a is given twice"),
    ("device_name\nd1\nd2\nd1\n", "lines 2 and 4 name the same device"),
    ("device_name\n\"d1\nd2\n", "the quote is not closed"),
    ("device_name\nd\xff\n".encode("latin-1"), "line 2, column 1: is not UTF-8"),
    ("device_name\nd1\n".encode("utf-16"), "is UTF-16: save it as CSV UTF-8"),
    ("device_name,product_key\nd1,other\n", "line 2, column 2: product_key is \"other\", but --product is \"pk1\""),
])
def test_mistake_is_told_with_its_place_and_nothing_is_asked(server, otactl, table, content, said):
    result = otactl("device", "import", table(content), "--product", "pk1")
    assert result.code == 2 and said in result.err, result
    assert "devices.csv" in result.err and len(result.err.splitlines()) == 1
    assert server.asked("importDevices") == [] and server.asked("getProduct") == []


def test_secret_that_breaks_a_rule_is_not_repeated(server, otactl, table):
    for secret in ("two SECRET words", "SECRET" * 11):
        result = otactl("device", "import", table(f"device_name,device_secret\nd1,{secret}\n"), "-p", "pk1")
        assert result.code == 2 and "column 2" in result.err and "SECRET" not in result.err


def test_product_is_named_by_a_column_or_an_option(server, otactl, table):
    result = otactl("device", "import", table("device_name\nd1\n"))
    assert result.code == 2 and "--product" in result.err
    otactl.good("device", "import", table("device_name,product_key\nd1,pk1\nd2,pk2\nd3,pk2\nd4,pk1\n"))
    assert [product for product, _ in imported(server)] == ["pk1", "pk2", "pk2", "pk1"]
    assert len(server.asked("importDevices")) == 3


def test_unknown_product_is_told_before_anything_is_sent(server, otactl, table):
    def refuse(_):
        raise Refusal("not_found", "product pk1 does not exist", "productKey")
    server.answers["getProduct"] = refuse
    result = otactl("device", "import", table("device_name\nd1\n"), "-p", "pk1")
    assert result.code == 3 and "product pk1 does not exist" in result.err
    assert server.asked("importDevices") == []


def test_dry_run_says_what_the_table_holds_and_sends_nothing(server, otactl, table):
    shown = otactl.good("device", "import", table("device_name,device_secret,tags\nd1,s,a=1\nd2,,\n"), "-p", "pk1", "--dry-run")
    assert [re.sub(" +", " ", line) for line in shown.splitlines()] == ["devices 2", "products 1", "with secrets 1",
		"with tags 1"]
    assert server.asked("importDevices") == []


def test_hundred_thousand_rows_go_in_pieces_and_in_little_memory(server, otactl, table):
    rows = "".join(f"device-{number:06d},secret-of-{number:06d},rack {number % 40}\n" for number in range(100_000))
    path = table("device_name,device_secret,tag:rack\n" + rows)
    most = []

    def answer(asked):
        status = open(f"/proc/{process.pid}/status").read()
        most.append(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]))
        return {"registered": len(asked["devices"]), "already": 0, "changed": 0}
    server.answers["importDevices"] = answer
    process = subprocess.Popen([PROGRAM, "device", "import", path, "-p", "pk1", "-o", "json", "--request-id", "r"],
                               stdout=subprocess.PIPE, env=otactl.environment)
    shown = json.loads(process.stdout.read())
    process.stdout.close()
    assert process.wait() == 0 and shown == {"registered": 100_000, "changed": 0, "already": 0}
    asked = server.asked("importDevices")
    assert all(len(each["devices"]) <= 500 for each in asked) and 200 <= len(asked) < 220
    assert len({each["requestId"] for each in asked}) == len(asked)
    # Its own pages and the libraries' are about 12 MiB; a table kept whole as a tree would be 60 more. A sanitizer has its own.
    assert sanitizer.chosen() or most[-1] < 40 * 1024 and most[-1] - most[20] < 4 * 1024


def test_refusal_in_the_middle_says_how_far_it_had_come(server, otactl, table):
    def answer(asked):
        if len(server.asked("importDevices")) == 3:
            raise Refusal("unavailable", "the broker is away")
        return {"registered": len(asked["devices"]), "already": 0, "changed": 0}
    server.answers["importDevices"] = answer
    result = otactl("device", "import", "-", "-p", "pk1", stdin="device_name\n" + "".join(f"d{n}\n" for n in range(1600)))
    assert (result.code, result.err) == (1, "otactl: after 1000 devices: the broker is away\n")


def test_tags_are_set_and_unset_in_pieces(plugin, otactl, tmp_path):
    plugin.answers["tagDevices"] = lambda asked: {"changed": len(asked["names"]), "already": 0}
    shown = otactl.good("device", "tag", "pk1", "d1", "d2", "--set", "site=a=b", "--set", "x=", "--unset", "old", "--reason",
		"moved")
    asked = plugin.asked("tagDevices")[0]
    assert {key: asked[key] for key in ("productKey", "names", "set", "unset", "reason")} == {
        "productKey": "pk1", "names": ["d1", "d2"], "set": {"site": "a=b", "x": ""}, "unset": ["old"], "reason": "moved"}
    assert re.match(r"changed +2\n", shown)
    names = tmp_path / "names"
    names.write_text("".join(f"n{number}\n" for number in range(2500)))
    otactl.good("device", "tag", "pk1", "-f", names, "--unset", "old")
    assert [len(each["names"]) for each in plugin.asked("tagDevices")[1:]] == [1000, 1000, 500]


@pytest.mark.parametrize("words, said", [
    ("d1", "which tags?"), ("d1 --set a", "KEY=VALUE"), ("d1 --set a=1 --set a=2", "given twice"), ("--set a=1",
		"no device name"),
    ("d1 --set a=1 --unset a", "set and unset"), ("d1 --set " + "k" * 33 + "=", "1..32"), ("d1 --unset a/b", "1..32"),
    ("d1 --set a=" + "v" * 129, "128")])
def test_tag_that_breaks_a_rule_is_refused_here(plugin, otactl, words, said):
    result = otactl("device", "tag", "pk1", *words.split())
    assert result.code == 2 and said in result.err, result
    assert plugin.asked("tagDevices") == []


def test_devices_show_their_tags_and_that_a_secret_is_held(plugin, otactl):
    device = {"productKey": "pk1", "deviceName": "d1", "online": True, "registeredAt": 1795173797123, "hasSecret": True,
              "tags": {"site": "Hall 3", "rack": "0"}, "modules": []}
    plugin.answers["listDevices"] = {"items": [device]}
    plugin.answers["getDevice"] = {**device, "tasks": []}
    assert "site=Hall 3, rack=0" in otactl.good("device", "list", "-p", "pk1", "--tag", "site=Hall 3")
    assert plugin.asked("listDevices")[0]["tag"] == "site=Hall 3"
    assert re.search(r"secret +yes\ntags +site=Hall 3, rack=0\n", otactl.good("device", "show", "pk1", "d1"))
