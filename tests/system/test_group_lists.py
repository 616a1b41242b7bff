"""Lists of names into a group, POST /api/v1/groups/PK/GROUP/members: in pieces, one after the other, of any size; what is not
right is told with its line, and what was sent before stays."""

import json
import threading
import time

import pytest

from gateway_rig.fake_broker import Refusal
from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, plugin, web  # noqa: F401
from harness.wait import until

pytestmark = pytest.mark.needs_no_plugin

TARGET = "/api/v1/groups/pk1/lab/members"


class Group:
    """addToGroup as the plugin does it: names that begin with x are no devices."""

    def __init__(self, plugin):
        self.members, self.pieces, self.working, self.most = set(), [], 0, 0
        plugin.answers["addToGroup"] = self.add

    def add(self, asked):
        names = asked.get("names", [])
        known = [name for name in names if not name.startswith("x")]
        unknown = [name for name in names if name.startswith("x")]
        new = set(known) - self.members
        self.members |= new
        if names:
            self.pieces.append(len(names))
        return {"productKey": asked["productKey"], "group": asked["group"], "members": len(self.members), "added": len(new),
                "already": len(known) - len(new), "unknown": len(unknown), "unknownNames": unknown[:20]}


@pytest.fixture
def group(plugin):
    return Group(plugin)


def lines(names):
    return "".join(f"{name}\n" for name in names).encode()


def test_a_list_goes_in_pieces_and_is_summed_up(group, plugin, web):
    names = [f"d{n}" for n in range(2500)] + ["x1", "d0", "x2"]
    answer = web.request("POST", TARGET + "?reason=spring", b"# the lab\n\n" + lines(names), {"Idempotency-Key": "k"})
    assert answer.status == 200, answer
    assert answer.json == {"productKey": "pk1", "group": "lab", "members": 2500, "names": 2503, "added": 2500, "already": 1,
                           "unknown": 2, "unknownNames": ["x1", "x2"]}
    assert group.pieces == [1000, 1000, 503]
    asked = plugin.asked("addToGroup")
    assert "names" not in asked[0] and {each["reason"] for each in asked} == {"spring"}
    # Each piece is a command of its own: the answer of the first is not that of the second.
    assert not any("requestId" in each for each in asked)


def test_the_same_list_again_does_no_harm(group, web):
    names = lines(f"d{n}" for n in range(1500))
    web.request("POST", TARGET, names)
    assert web.request("POST", TARGET, names).json["already"] == 1500
    assert web.request("POST", TARGET, b"").json["members"] == 1500


def test_a_piece_is_sent_when_the_one_before_was_answered(group, plugin, web):
    """What is not answered holds the list up, and nothing of it is kept here: the sender waits in his socket."""
    gate, first = threading.Event(), threading.Event()

    def add(asked):
        if asked.get("names"):
            first.set()
            assert gate.wait(10)
        return group.add(asked)

    plugin.answers["addToGroup"] = add
    sent = []
    with web.line() as line:
        body = lines(f"{'n' * 50}{n}" for n in range(20_000))
        line.send(web.head("POST", TARGET, {"Content-Length": len(body)}))
        sender = threading.Thread(target=lambda: sent.append(line.send(body)))
        sender.start()
        assert first.wait(10)
        assert len(plugin.asked("addToGroup")) == 2  # the one without names, and one piece
        gate.set()
        answer = line.answer()
        sender.join()
    assert answer.json["added"] == 20_000


@pytest.mark.parametrize("at", [0, 999, 1000, 1001, 2499])
def test_a_wrong_line_ends_a_list_and_is_told(group, web, at):
    names = [f"d{n}" for n in range(2500)]
    names[at] = "not a name"
    answer = web.request("POST", TARGET, lines(names))
    sent = at // 1000 * 1000
    code, message = answer.error
    assert (answer.status, code, len(group.members)) == (400, "invalid", sent)
    assert message.startswith(f"after {sent} names: " if sent else f"line {at + 1}: ")
    assert f"line {at + 1}: \"not a name\" is no device name" in message


def test_a_refusal_in_the_middle_says_how_far_it_had_come(group, plugin, web):
    def add(asked):
        if len(group.pieces) == 2 and asked.get("names"):
            raise Refusal("unavailable", "the broker is away")
        return group.add(asked)
    plugin.answers["addToGroup"] = add
    answer = web.request("POST", TARGET, lines(f"d{n}" for n in range(50_000)))
    assert (answer.status, answer.error) == (503, ("unavailable", "after 2000 names: the broker is away"))
    assert len(group.members) == 2000
    assert len([each for each in plugin.asked("addToGroup") if each.get("names")]) == 3


def test_who_leaves_in_the_middle_leaves_what_was_sent(group, gateway, web):
    with web.line() as line:
        line.send(web.head("POST", TARGET, {"Content-Length": 1_000_000}) + lines(f"d{n}" for n in range(1500)))
        until(lambda: len(group.members) == 1000, "the first piece is there")
    assert web.request("POST", TARGET, lines(f"d{n}" for n in range(1500))).json["added"] == 500


def test_refusals_come_before_the_list(group, plugin, web):
    line = web.line()
    with line:
        line.send(web.head("POST", TARGET))
        answer = line.answer()
    assert (answer.status, answer.error[0]) == (411, "invalid")
    over = {"Content-Length": 66_000_001}
    for headers, target, status in [(over, TARGET, 413), ({"Content-Length": 5, "Content-Encoding": "gzip"}, TARGET, 400),
                                    ({"Content-Length": 5}, TARGET + "?names=a", 400),
                                    ({"Content-Length": 5, "Authorization": "Bearer x"}, TARGET, 401),
                                    ({"Content-Length": 5}, "/api/v1/groups/pk1/a*b/members", 400)]:
        with web.line() as line:
            line.send(web.head("POST", target, headers))
            answer = line.answer()
        assert answer.status == status, (headers, target, answer)
    assert not plugin.commands

    def add(asked):
        raise Refusal("not_found", "product pk1 does not exist", "productKey")
    plugin.answers["addToGroup"] = add
    with web.line() as line:
        line.send(web.head("POST", TARGET, {"Content-Length": 1000}))
        answer = line.answer()
    assert (answer.status, answer.error) == (404, ("not_found", "product pk1 does not exist"))


def test_memory_stays_flat_while_a_list_of_100_000_comes(group, make_gateway):
    gateway = make_gateway("fresh").start().wait_broker()
    body = lines(f"{'n' * 40}{n}" for n in range(100_000))
    before, began = gateway.resident_bytes(), time.monotonic()
    answer = gateway.web().request("POST", TARGET, body)
    grown, took = gateway.resident_bytes("VmHWM") - before, time.monotonic() - began
    print(f"100 000 names, {len(body)} bytes: {took:.1f} s, {grown >> 10} KiB more in the gateway")
    assert answer.json["added"] == 100_000
    assert grown < 3 << 20, f"{grown} bytes more at the peak"
    assert json.loads(answer.body)["names"] == 100_000
