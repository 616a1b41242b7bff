"""Bad input of operators over HTTP: the members of a POST, the parameters of a query, the variables of a path, headers, tokens,
and what is no HTTP at all. Whatever is wrong, the refusal has the one shape: {"error": {"code", "message"[, "path"]}}.
"""

import json

import pytest

from gateway_rig.fake_broker import TOKEN
from gateway_rig.fixtures import bench, fake_broker, gateway, plugin, web  # noqa: F401
from surface import fields, query, tables
from surface.outcome import mismatch, shape_problem
from surface.text import dump

pytestmark = pytest.mark.needs_no_plugin
FIELDS = tables.all_fields()
ASKED = query.asked_fields(FIELDS)
STATUS = {"invalid": 400, "limit": 413, "not_found": 404, "conflict": 409, "denied": 403}


class Echo(dict):
    """Every command answers with itself."""

    def __missing__(self, _):
        return lambda command: {key: value for key, value in command.items() if key not in ("correlationData", "token")}


@pytest.fixture
def echoed(plugin):
    plugin.answers = Echo()
    return plugin


class Talk:
    """Requests one after the other on one connection, on a new one where the gateway ended it."""

    def __init__(self, web):
        self.web = web
        self.line = web.line()

    def ask(self, method, target, body=None, headers=None):
        headers = {**(headers or {}), **({} if body is None else {"Content-Length": len(body)})}
        self.line.send(self.web.head(method, target, headers) + (body or b""))
        answer = self.line.answer(has_body=method != "HEAD")
        if answer.headers.get("Connection", "").lower() == "close":
            self.line.close()
            self.line = self.web.line()
        return answer


@pytest.fixture
def talk(web):
    made = Talk(web)
    yield made
    made.line.close()


def problem(case, answer, path):
    """What is wrong with an answer."""
    value = answer.json
    if answer.status < 300:
        return mismatch(case, None, path)
    error = value.get("error", {})
    if answer.status != STATUS.get(error.get("code")):
        return f"{case}: {answer.status} for {error}"
    return shape_problem(value) or mismatch(case, error, path)


def without_loss(case, answer):
    """What was accepted reached the plugin as it was."""
    if case.code is not None:
        return None
    sent = json.loads(dump(case.members))
    lost = {key: value for key, value in sent.items() if answer.json.get(key) != value}
    return f"{case}: lost on the way: {str(lost)[:200]}" if lost else None


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_member_of_a_post(echoed, talk, field):
    found = []
    for case in fields.cases(field):
        answer = talk.ask("POST", f"/api/v1/{field.command}", dump(case.members))
        found += [problem(case, answer, case.path), without_loss(case, answer)]
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("field", ASKED, ids=str)
def test_parameter_of_a_get(echoed, talk, field):
    found = []
    for case in query.cases(field):
        answer = talk.ask("GET", case.target)
        found.append(problem(case, answer, case.path))
        if case.code is None and answer.json.get(field.path[0]) != case.value:
            found.append(f"{case}: {case.value!r} came as {answer.json}")
    assert not any(found), "\n".join(filter(None, found))
