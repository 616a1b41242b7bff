"""Pages that would be too long for one answer are cut by bytes, and the cursor loses no row and shows none twice."""

import json

import pytest

from harness import schemas
from harness.desk import Desk

PAGE_BYTES = 52 * 1024  # plugin/control/call.c; what may come on top is one row
LONG = "n" * 120


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A store with hundreds of wide rows of every kind."""
    made = Desk(tmp_path_factory.mktemp("desk") / "store")
    size, sha256, md5 = made.artifacts[0]
    products = [{"command": "createProduct", "productKey": f"p{number:04}", "name": LONG} for number in range(450)]
    devices = [{"command": "registerDevices", "productKey": "p0000", "names": [f"{number:04}-" + "d" * 59
                                                                               for number in range(450)]}]
    packages = [{"command": "addPackage", "productKey": "p0000", "version": f"{number:03}", "size": size, "sha256": sha256,
                 "md5": md5, "notes": "n" * 1000} for number in range(120)]
    tokens = [{"command": "createToken", "name": f"{number:04}" + "t" * 60, "role": "viewer"} for number in range(450)]
    tags = [{"command": "tagDevices", "productKey": "p0000", "names": devices[0]["names"], "set": {"site": "s" * 128}}]
    groups = [{"command": "addToGroup", "productKey": "p0000", "group": f"{number:03}" + "g" * 61,
               "names": devices[0]["names"][:1]} for number in range(450)]
    groups[0] = {**groups[0], "names": devices[0]["names"]}
    for bulk, commands in ((64, products), (1, devices + tags), (64, groups), (32, packages), (64, tokens)):
        for at in range(0, len(commands), bulk):
            tell(made, commands[at:at + bulk])
    batches = [{"command": "createBatch", "productKey": "p0000", "version": f"{number:03}", "kind": "static", "name": LONG,
                "targets": {"all": True}, "onConflict": "skip", "override": True, "reason": "r" * 200} for number in range(100)]
    for batch in batches:
        tell(made, [batch])
    for _ in range(200):
        made.message("/ota/device/inform/none/none", b"{}")  # lets the clock run and the batches be prepared
    yield made
    made.kill()


def tell(desk, commands):
    text = json.dumps({"commands": [{**command, "token": desk.token} for command in commands]})
    for response in json.loads(desk.request(text.encode()))["responses"]:
        assert "data" in response, response


def page(desk, command, **members):
    """(bytes of the answer, the page)."""
    answer = desk.request(json.dumps({"commands": [{"command": command, "token": desk.token, **members}]}).encode())
    data = json.loads(answer)["responses"][0]["data"]
    schemas.check(f"command/{command}#/$defs/data", data)
    return len(answer), data


def walk(desk, command, **members):
    """All items, page by page."""
    after = {}
    while True:
        _, data = page(desk, command, **members, **after)
        yield from data["items"]
        if "next" not in data:
            return
        after = {"after": data["next"]}


LISTS = [("listProducts", {}, "productKey", 450), ("listDevices", {"productKey": "p0000"}, "deviceName", 450),
         ("listPackages", {"productKey": "p0000"}, "id", 120), ("listBatches", {}, "id", 100),
         ("listTasks", {"batch": "first"}, "id", 450), ("listEvents", {}, "id", None), ("listTokens", {}, "name", 451),
         ("listGroups", {"productKey": "p0000"}, "group", 450)]
SHORT = {"listGroupMembers": {"productKey": "p0000", "group": "000" + "g" * 61}}  # the longest page there can be fits


@pytest.mark.parametrize("command, members, key, count", LISTS, ids=[each[0] for each in LISTS])
def test_page_cut_by_bytes_goes_on_where_it_ended(desk, command, members, key, count):
    if "batch" in members:
        members = {"batch": min(item["id"] for item in walk(desk, "listBatches"))}
    size, first = page(desk, command, limit=500, **members)
    assert PAGE_BYTES - 8192 < size <= 65536 and "next" in first, f"{size} bytes, {len(first['items'])} rows: not cut by bytes"
    rows = [item[key] for item in walk(desk, command, limit=500, **members)]
    assert rows == [item[key] for item in walk(desk, command, limit=41, **members)]
    assert len(rows) == len(set(rows)) and rows in (sorted(rows), sorted(rows, reverse=True))
    assert count in (None, len(rows))


def test_every_list_command_is_here():
    lists = {name.partition("/")[2] for name in schemas.documents() if name.startswith("command/list")}
    assert lists == {each[0] for each in LISTS} | set(SHORT)


@pytest.mark.parametrize("command", SHORT)
def test_short_rows_are_never_cut(desk, command):
    _, data = page(desk, command, limit=500, **SHORT[command])
    assert "next" not in data and len(data["items"]) == 450
