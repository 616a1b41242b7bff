"""schemas/: every message and command has one, each says what docs/protocol.md says, and each refuses what is wrong."""

import copy
import json
import re

import jsonschema
import pytest

from harness import places, schemas

pytestmark = pytest.mark.needs_no_plugin

PROTOCOL = (places.ROOT / "docs" / "protocol.md").read_text()


def command_rows():
    """(names, parameters) of the table of commands in docs/protocol.md."""
    for line in PROTOCOL.split("\n"):
        cells = re.split(r"\s*\|\s*", line.strip())[1:-1] or [""]
        found = re.findall(r"`([a-z][A-Za-z]+)`", cells[0])
        if line.startswith("| `") and len(cells) == 4 and found:
            yield from ((name, cells[2]) for name in found)


COMMANDS = dict(command_rows())


def members_of(name):
    return schemas.documents()[f"command/{name}"]["$defs"].get("members", {})


def collect(schema, key):
    """All values of `key` in a schema and what it includes by allOf; references to common.json are followed."""
    gathered = {} if key == "properties" else set()
    gathered.update(schema.get(key, {}))
    for part in schema.get("allOf", []):
        target = part.get("$ref", "").partition("common.json#/$defs/")[2]
        gathered.update(collect(schemas.documents()["common"]["$defs"][target] if target else part, key))
    return gathered if not schema.get("$ref") else collect({"allOf": [schema]}, key)


def examples():
    """(reference, example) of every message and request."""
    for name, document in sorted(schemas.documents().items()):
        for example in document.get("examples", []):
            yield name, example
        for part, schema in document.get("$defs", {}).items():
            for example in schema.get("examples", []):
                yield f"{name}#/$defs/{part}", example


EXAMPLES = list(examples())


def paths(value, prefix=()):
    """The place of every member and element."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*prefix, key)
        yield from paths(inner, (*prefix, key))


def changed(value, path, new):
    value = copy.deepcopy(value)
    place = value
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return value


def test_every_file_is_a_schema():
    for document in schemas.documents().values():
        jsonschema.Draft202012Validator.check_schema(document)


def test_every_reference_leads_somewhere():
    for name, document in schemas.documents().items():
        for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
            file, _, fragment = reference.partition("#")
            target = places.SCHEMAS / f"{name}.json"
            if file:
                target = (target.parent / file).resolve()
            place = json.loads(target.read_text())
            for part in fragment.strip("/").split("/"):
                place = place[part] if part else place
            assert isinstance(place, (dict, bool)), (name, reference)


def test_each_command_of_the_protocol_has_a_schema_and_the_other_way_round():
    files = {name.partition("/")[2] for name in schemas.documents() if name.startswith("command/")}
    assert files and files == set(COMMANDS)
    listed = schemas.documents()["control/request"]["properties"]["commands"]["items"]["properties"]["command"]["enum"]
    assert set(listed) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_parameters_are_those_of_the_protocol(name):
    told = set()
    for chunk in re.findall(r"`([^`]*)`", COMMANDS[name]):
        if not chunk.startswith(("{", '"')):
            told |= {(word, mark) for word, mark in re.findall(r"\b([a-z][A-Za-z0-9]*)(\??)", re.sub(r"\([^)]*\)", "", chunk))}
    told = {(word, mark) for word, mark in told if word not in ("verify", "static", "dynamic")}
    ours = collect(members_of(name), "properties")
    assert {word for word, _ in told} - {"reason"} == set(ours)
    optional = {word for word, mark in told if mark}
    assert not optional & collect(members_of(name), "required")


@pytest.mark.parametrize("reference, example", EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_example_follows_its_schema(reference, example):
    schemas.check(reference, example)


@pytest.mark.parametrize("reference, example", EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_member_of_a_wrong_type_is_refused(reference, example):
    for path in paths(example):
        if reference != "control/request" or path[-1] not in ("token", "correlationData"):
            assert schemas.errors(reference, changed(example, path, [[]])), path


# What devices say may hold more than we know; a request's commands follow schemas of their own.
OPEN = ("device/inform", "device/progress", "device/request", "device/firmware-get", "device/file-download", "control/request")


@pytest.mark.parametrize("reference, example", [each for each in EXAMPLES if each[0] not in OPEN],
                         ids=[each[0] for each in EXAMPLES if each[0] not in OPEN])
def test_surplus_member_is_refused(reference, example):
    places_of_objects = [()] + [path for path in paths(example) if isinstance(value_at(example, path), dict)]
    for path in places_of_objects:
        if path[-1:] == ("extData",):
            continue  # any tag of an operator may stand there
        assert schemas.errors(reference, changed(example, (*path, "surplus"), 1)), path


def value_at(value, path):
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("reference, wrong", [
    ("device/push", {"code": 1000}),
    ("device/push", {"message": "ok"}),
    ("device/push", {"data.signMethod": "MD5"}),
    ("device/push", {"data.signMethod": "SHA256"}),
    ("device/push", {"data.module": "default"}),
    ("device/push", {"data.sign": "5A1A416F357F17BFA89823D2FD49EF8B"}),
    ("device/push", {"data.url": "https://host/" + "x" * 243}),
    ("device/push", {"data.url": "https://host/a b"}),
    ("device/push", {"data.version": 'a"b'}),
    ("device/push", {"data.version": "signMethod"}),
    ("device/push", {"data.size": 0}),
    ("device/push", {"data.size": 4294967296}),
    ("device/push", {"data.extData": {"version": "9"}}),
    ("device/push", {"data.extData": {"_ota": "7"}}),
    ("device/push", {"data.extData": {"_other": "7:1"}}),
    ("device/push", {"data.dProtocol": "mqtt"}),
    ("device/file-download", {"params.fileBlock.size": 131073}),
    ("device/file-download", {"params.fileBlock.offset": 4294967296}),
    ("device/progress", {"params.step": 101}),
    ("device/progress", {"params.step": "-5"}),
    ("device/progress", {"params.step": "05"}),
    ("device/progress", {"params.step": 1.5}),
    ("device/inform", {"params.version": ""}),
    ("device/inform", {"params.version": "x" * 65}),
    ("command/createBatch#/$defs/request", {"kind": "eternal"}),
    ("command/createBatch#/$defs/request", {"targets": {}}),
    ("command/createBatch#/$defs/request", {"targets": {"all": True, "names": ["a"]}}),
    ("command/createBatch#/$defs/request", {"productKey": "a", "version": "1"}),
    ("command/createBatch#/$defs/request", {"reason": ""}),
    ("command/createBatch#/$defs/request", {"strategy.pushTimeout": 5}),
    ("command/createBatch#/$defs/request", {"strategy.pushTimeout": "5 s"}),
    ("command/getPackage#/$defs/request", {"package": 7}),
    ("command/addPackage#/$defs/request", {"sha256": "D" * 64}),
    ("command/registerDevices#/$defs/request", {"names": ["a", "a"]}),
    ("command/registerDevices#/$defs/request", {"names": []}),
    ("command/listTasks#/$defs/request", {"limit": 501}),
    ("command/getBatch#/$defs/request", {"batch": 9007199254740992}),
    ("command/getBatch#/$defs/request", {"reason": "a reader has none"}),
])
def test_deliberately_wrong_message_is_refused(reference, wrong):
    example = dict(EXAMPLES)[reference]
    for place, value in wrong.items():
        example = changed(example, place.split("."), value)
    assert schemas.errors(reference, example)


def test_openapi_has_a_route_for_each_command_and_each_alias():
    paths_told = schemas.documents()["openapi"]["paths"]
    posted = {path.rpartition("/")[2] for path, methods in paths_told.items() if "post" in methods and "{" not in path}
    assert {path for path, methods in paths_told.items() if "post" in methods and "{" in path} == {
        "/api/v1/groups/{productKey}/{group}/members"}
    assert posted == set(COMMANDS) - {"reportTransfer"}
    aliases = re.findall(r'"(/api/v1/[^"]*)"', (places.ROOT / "common" / "command.c").read_text())
    assert aliases
    assert {path for path, methods in paths_told.items() if path.startswith("/api/") and "get" in methods} == set(aliases)


def test_asyncapi_has_a_channel_for_each_topic():
    told = {channel["address"].replace("{productKey}", "PK").replace("{deviceName}", "DN")
            for channel in schemas.documents()["asyncapi"]["channels"].values()}
    of_protocol = set(re.findall(r"`(/ota/device/\w+/PK/DN|/sys/PK/DN/[\w/]+|\$CONTROL/[\w/]+)`", PROTOCOL))
    assert told == of_protocol | {"/sys/PK/DN/thing/ota/firmware/get_reply"}


def test_request_at_the_limits_is_allowed():
    example = dict(EXAMPLES)["command/listTasks#/$defs/request"]
    schemas.check("command/listTasks#/$defs/request", {**example, "limit": 500})
    push = dict(EXAMPLES)["device/push"]
    schemas.check("device/push", changed(push, ("data", "url"), "https://host/" + "x" * 242))


def test_double_key_is_refused():
    with pytest.raises(schemas.Mismatch, match="twice"):
        schemas.check_bytes("device/cancel", b'{"id":1,"id":2,"params":{"batch":1,"attempt":1}}')
