"""Bad pushes, to the real agent: each row of tests/surface/pushes.c that cannot be read. The agent says what is wrong (to the
server, if it is a push at all), fetches nothing, and does its work afterwards. What it reads: tests/unit/agent/test_pushes.c.
"""

from agent_fixtures import agent, content, make_agent, plain_broker, pytestmark, server, web  # noqa: F401
from harness.wait import until
from surface import messages

NEW = content(10_000, 2)
DESC_MAX = 128


def test_each_push_that_cannot_be_read_is_answered_with_its_field_and_nothing_is_fetched(agent, server, web):
    agent.start()
    server.expect_inform()
    refused = [row for row in messages.rows("pushes") if row.effect is None]
    for row in refused:
        server.push_raw(row.payload)
        if row.line.startswith("push: "):
            answer = server.expect_progress(-1)
            assert answer["desc"].startswith(row.line[:DESC_MAX]), f"{row}: {row.line!r} not in {answer}"
        else:
            agent.wait_log(row.line.replace('"', '\\"'))
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
    assert agent.running_image() == NEW
    assert agent.log().count("strange_message") == len([row for row in refused if row.line.startswith("push ignored: ")])


def test_cancel_that_cannot_be_read_ends_no_task(agent, server, web):
    agent.start()
    server.expect_inform()
    web.hold_at("/new", 1000)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    until(lambda: web.sent.get("/new", 0) == 1000, "the download has begun")
    wrong = ("", "{", "[]", '{"params":{}}', '{"params":{"batch":"7","attempt":1}}',
             '{"params":{"batch":7,"batch":7,"attempt":1}}',
             '{"params":{"batch":7,"attempt":0}}', '{"params":{"batch":7,"attempt":1}} x', "\0" * 100)
    for payload in wrong:
        server.client.publish(server.topic("cancel"), payload, 1)
    server.ask_cancel(7, 2)  # right, and of another attempt
    agent.wait_log("cancel_ignored")
    web.hold_at("/new", None)
    server.expect_inform(version="2.0.0")
    assert agent.log().count("cancel ignored: ") == len(wrong)


NO_URL, NO_SCHEME, NO_HOST = "must be SCHEME://HOST/PATH", "is not allowed by url_schemes", "is not allowed by url_hosts"
URLS = [
    ("ftp://h/f", "ftp " + NO_SCHEME), ("file:///etc/passwd", "file " + NO_SCHEME), ("gopher://h/", "gopher " + NO_SCHEME),
    ("HTTPS://", NO_URL), ("/dl/x", NO_URL), ("http://", NO_URL), ("http://127.0.0.1:99999/f", NO_URL),
    ("javascript:alert(1)", NO_URL), ("http://[::1", NO_URL),
    ("//127.0.0.1/f", NO_URL), ("http://evil.example/f", "evil.example " + NO_HOST),
    ("http://127.0.0.1@evil.example/f", "evil.example " + NO_HOST), ("http://127.0.0.1.evil.example/", NO_HOST),
]


def test_url_of_another_scheme_or_host_is_answered_before_a_byte_is_fetched(make_agent, server):
    agent = make_agent(url_hosts="127.0.0.1").provision().start()
    server.expect_inform()
    for attempt, (url, words) in enumerate(URLS, 1):
        server.push("2.0.0", url, NEW, attempt=attempt)
        answer = server.expect_progress(-2)
        assert words in answer["desc"], f"{url}: {answer}"
        assert agent.part_size() == 0
    assert agent.running_image() == b"image of 1.0.0"
