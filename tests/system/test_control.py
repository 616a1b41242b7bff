"""The endpoint of the operators: what it refuses, and how it says so."""

import json

import pytest

from harness import schemas
from harness.broker import Broker
from harness.control import REQUEST_TOPIC, RESPONSE_TOPIC

COMMANDS = sorted(name.partition("/")[2] for name in schemas.documents() if name.startswith("command/"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """One for all: none of these tests leaves anything behind but refusals."""
    with Broker(tmp_path_factory.mktemp("control")) as started:
        yield started


def example(command, token):
    """The schema's own example of a request."""
    return {**schemas.documents()[f"command/{command}"]["$defs"]["request"]["examples"][0], "token": token}


def one(operator, body):
    return operator.ask_raw(json.dumps({"commands": [body]}))[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_member_is_refused_with_its_name(operator, command):
    error = one(operator, {**example(command, operator.token), "surpluss": 1})["error"]
    assert error["code"] == "invalid"
    assert "surpluss" in error["message"] + error["path"]


@pytest.mark.parametrize("command", COMMANDS)
def test_member_of_a_wrong_type_is_refused_with_its_path(operator, command):
    body = example(command, operator.token)
    for member in set(body) - {"command", "token", "correlationData"}:
        error = one(operator, {**body, member: [[]]})["error"]
        assert (error["code"], member in error["path"]) == ("invalid", True), (member, error)


@pytest.mark.parametrize("command", COMMANDS)
def test_missing_member_is_refused_with_its_name(operator, command):
    body = example(command, operator.token)
    for member in schemas.documents()[f"command/{command}"]["$defs"].get("members", {}).get("required", []):
        error = one(operator, {key: value for key, value in body.items() if key != member})["error"]
        assert error["code"] == "invalid"
        assert member in error["message"] + error["path"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("token", ["", "ota_" + "A" * 43, "secret", None])
def test_without_a_known_token_nothing_is_answered_but_denied(operator, command, token):
    body = example(command, token)
    if token is None:
        del body["token"]
    error = one(operator, body)["error"]
    assert error["code"] in ("denied", "invalid")
    assert operator.token not in json.dumps(error)


def test_unknown_command_is_refused_with_the_nearest_name(operator):
    error = one(operator, {"command": "creatBatch", "token": operator.token})["error"]
    assert error["code"] in ("invalid", "not_found")
    assert "createBatch" in error["message"]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"{}", b'{"commands":[]}', b'{"commands":{}}', b'{"commands":[1]}',
                                     b'{"commands":[{}]}', b'{"commands":[],"x":1}', b'{"commands":[{"command":"getServer"}]} ',
                                     b'{"commands":[{"command":"\xff"}]}',
                                     b'{"commands":[{"command":"getServer","command":"getServer"}]}',
                                     b'{"commands":[{"command":"\\u0000"}]}', b"[" * 1000, b" " * 65537],
                         ids=lambda payload: payload[:30].decode("latin-1") or "empty")
def test_broken_request_is_answered_with_an_error_and_the_connection_kept(operator, payload):
    responses = operator.ask_raw(payload)
    assert all(each["error"]["code"] in ("invalid", "limit", "denied") for each in responses)
    operator.ask("getServer")


def test_at_most_64_commands(operator):
    body = example("getServer", operator.token)
    answers = operator.ask_raw(json.dumps({"commands": [body] * 64}))
    assert len(answers) == 64 and "data" in answers[0]
    assert {each["error"]["code"] for each in answers if "error" in each} <= {"limit"}
    assert operator.ask_raw(json.dumps({"commands": [body] * 65}))[0]["error"]["code"] in ("limit", "invalid")


def test_answer_goes_to_nobody_else(broker, operator):
    with broker.client("listener") as listener:
        listener.subscribe("$CONTROL/#", RESPONSE_TOPIC, "#")
        operator.ask("getServer")
        listener.fence()
        assert not listener.messages()


def test_answer_is_given_once_to_who_subscribed(operator):
    operator.client.subscribe(RESPONSE_TOPIC)
    operator.ask("getServer")
    operator.client.fence()
    assert not operator.client.messages()


def test_request_without_a_connection_left_harms_nobody(broker, operator):
    with broker.client("hasty") as hasty:
        hasty.publish(REQUEST_TOPIC, json.dumps({"commands": [example("getServer", operator.token)]}))
        hasty.drop()
    operator.ask("getServer")
    broker.check_alive()


def test_correlation_data_and_command_come_back(operator):
    answer = one(operator, {"command": "getServer", "token": operator.token, "correlationData": "x y"})
    assert (answer["command"], answer["correlationData"]) == ("getServer", "x y")
    assert "correlationData" not in one(operator, {"command": "getServer", "token": operator.token})


def test_numbers_beyond_what_json_readers_hold_are_refused(operator):
    raw = '{"commands":[{"command":"getBatch","token":"%s","batch":9007199254740993}]}' % operator.token
    assert operator.ask_raw(raw)[0]["error"]["code"] == "invalid"


def test_answers_stay_within_64_kib_whatever_is_asked(operator):
    """Answers that are long, refusals that are long, and correlations whose every byte is escaped; ask_raw measures."""
    status = {**example("getServer", operator.token), "correlationData": '"' * 128}
    wrong = {**status, "command": "getProduct", "productKey": "x" * 200}
    for commands in ([status] * 64, [wrong] * 64, [status] * 40 + [wrong] * 24, [wrong, status] * 32):
        answers = operator.ask_raw(json.dumps({"commands": commands}))
        assert len(answers) == len(commands)
        assert answers[-1]["correlationData"] == '"' * 128
