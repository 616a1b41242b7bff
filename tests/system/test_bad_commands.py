"""Bad input of operators: each parameter of each command, at its limit, one past it, of another type, missing, doubled, misspelt
and in another encoding. Every case comes from the table of commands; tests/system/test_bad_requests.py sends the same over HTTP.
"""

import pytest

from harness.broker import Broker
from surface import fields, tables
from surface.outcome import mismatch, shape_problem
from surface.text import Pairs, Raw, dump

FIELDS = tables.all_fields()
TOGETHER = 32  # commands in one request


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """One for all: what passes the checks finds an empty store, or leaves a product."""
    with Broker(tmp_path_factory.mktemp("input")) as started:
        yield started


@pytest.fixture(scope="module")
def operator(broker):
    with broker.operator() as connected:
        yield connected


def document(command, token, cases):
    """A request of one command for each case."""
    own = [("command", command), ("token", token)]
    return dump({"commands": [Raw(dump(Pairs(own + case.members))) for case in cases]})


def together(cases):
    """Requests: a case that breaks its document has one alone."""
    whole = [case for case in cases if not case.breaks]
    sized = [whole[at:at + TOGETHER] for at in range(0, len(whole), TOGETHER)]
    large = [[case] for group in sized for case in group if len(dump(case.members)) > 8000]
    small = [[case for case in group if len(dump(case.members)) <= 8000] for group in sized]
    return [group for group in small + large + [[case] for case in cases if case.breaks] if group]


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_message_to_the_broker(operator, field):
    found = []
    for group in together(list(fields.cases(field))):
        responses = operator.ask_raw(document(field.command, operator.token, group))
        assert len(responses) == (1 if group[0].breaks else len(group)), responses
        for case, response in zip(group, responses):
            path = f"commands[0].{case.path}" if case.breaks else case.path
            found.append("error" in response and shape_problem({"error": response["error"]}))
            found.append(mismatch(case, response.get("error"), path))
    assert not any(found), "\n".join(filter(None, found))
