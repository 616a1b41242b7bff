"""ota-agent's ways to the server: MQTT 5, proxies, speed limits, deadlines, retries."""

import email.utils
import time

import pytest

from agent_fixtures import agent, content, make_agent, plain_broker, pytestmark, server, web  # noqa: F401
from harness.proxy import Proxy

NEW = content(200_000)


@pytest.fixture
def make_proxy():
    made = []

    def make(*arguments):
        made.append(Proxy(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.close()


# --- MQTT 5 ---------------------------------------------------------------------------------------------------------------------


def test_mqtt_5_carries_an_update(make_agent, server, web, plain_broker):
    agent = make_agent(mqtt_version="5").provision().start()
    server.expect_inform(version="1.0.0")
    plain_broker.wait_log("as pk1.dev1|securemode=3,_v=ota-agent-0.1.0| (p5, c1, k60, u'dev1&pk1')")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    assert server.expect_progress(100)["batch"] == 7
    server.expect_inform(version="2.0.0")
    server.fence()
    assert agent.stop() == 0
    plain_broker.wait_log("Client pk1.dev1|securemode=3,_v=ota-agent-0.1.0| disconnected.")


def test_mqtt_5_comes_back_and_subscribes_again(make_agent, server, web, plain_broker):
    make_agent(mqtt_version="5").provision().start()
    server.expect_inform(version="1.0.0")
    plain_broker.restart(kill=True)
    server.reconnect(plain_broker)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")


def test_mqtt_5_keeps_within_the_brokers_receive_maximum(new_broker, make_agent, web):
    """A broker that takes one unacknowledged message at a time hears everything all the same."""
    from harness.agent import Server
    broker = new_broker(plugin=False)
    broker.config.set("max_inflight_messages", "1")
    broker.start()
    agent = make_agent(mqtt_version="5", broker=f"mqtt://127.0.0.1:{broker.port}")
    for number in range(2):
        agent.modules[f"m{number}"] = {"installer": "exec", "command": agent.hook(f"h{number}", f"echo 0.{number}")}
    server = Server(broker)
    agent.provision().start()
    assert {server.expect_inform()["version"] for _ in range(3)} == {"1.0.0", "0.0", "0.1"}
    server.close()


@pytest.mark.parametrize("version, words", [
    ("5", "the broker refused the connection: Not authorized (0x87)"),
    ("3.1.1", "the broker refused: not authorized"),
])
def test_a_refused_login_is_told_in_the_brokers_words(new_broker, make_agent, version, words):
    broker = new_broker(plugin=False)
    broker.config.set("allow_anonymous", "false")
    broker.start()
    agent = make_agent(mqtt_version=version, broker=f"mqtt://127.0.0.1:{broker.port}").provision().start()
    agent.wait_log(words)


# --- proxies --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_broker_and_downloads_go_through_the_named_proxy(make_agent, make_proxy, server, web, plain_broker, version):
    proxy = make_proxy("ada", "p:w@/%")
    make_agent(mqtt_version=version, proxy=proxy.url("ada:p%3Aw%40%2F%25")).provision().start()
    server.expect_inform(version="1.0.0")
    assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{plain_broker.port}"}
    url = web.add("/new", NEW)
    server.push("2.0.0", url, NEW)
    server.expect_inform(version="2.0.0")
    assert f"GET {url}" in proxy.asked


def test_no_proxy_is_reached_directly(make_agent, make_proxy, server, web):
    proxy = make_proxy()
    make_agent(proxy=proxy.url(), no_proxy="example.net, 127.0.0.1").provision().start()
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
    assert proxy.asked == []


def test_a_proxy_of_the_environment_is_not_followed(agent, make_proxy, server, web):
    proxy = make_proxy()
    agent.environment = {name: proxy.url() for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
    agent.start()
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
    assert proxy.asked == []


def test_a_proxy_that_wants_a_password_is_told_as_such(make_agent, make_proxy, server, web):
    proxy = make_proxy("ada", "secret")
    agent = make_agent(proxy=proxy.url("ada:wrong"), no_proxy="127.0.0.1").provision()
    agent.keys["no_proxy"] = None
    agent.start()
    agent.wait_log("cannot connect through the proxy")
    assert "wrong" not in agent.log(), "a password is no matter for logs"


# --- speed and time -------------------------------------------------------------------------------------------------------------


def test_max_speed_is_kept(make_agent, server, web):
    make_agent(max_speed="400k").provision().start()
    server.expect_inform()
    began, large = time.monotonic(), content(1_000_000)
    server.push("2.0.0", web.add("/new", large), large)
    server.expect_progress(100)
    assert time.monotonic() - began > 1, "1 MB at 400 kB/s"


def test_a_server_that_drips_counts_as_cut(make_agent, server, web):
    """Some bytes each second, but fewer than min_speed."""
    agent = make_agent(min_speed="10k", min_speed_time="1s").provision().start()
    server.expect_inform()
    web.drip("/new", 500)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    agent.wait_log("bytes (Operation too slow")
    web.drip("/new", None)
    server.expect_inform(version="2.0.0")
    assert web.ranges("/new")[-1], "it goes on where it was cut"


def test_a_server_that_drips_fast_enough_meets_the_deadline(make_agent, server, web):
    make_agent(min_speed="1", download_deadline="2s").provision().start()
    server.expect_inform()
    web.drip("/new", 500)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    desc = server.expect_progress(-2)["desc"]  # the whole of it would take 400 s
    assert desc.startswith("download: cut at ") and "gave up" in desc


# --- answers --------------------------------------------------------------------------------------------------------------------


def test_a_4xx_is_final(agent, server, web):
    agent.start()
    server.expect_inform()
    url = web.add("/new", NEW)
    for attempt, status in enumerate([400, 401, 403, 404, 410, 451], 1):
        web.answers["/new"] = status
        server.push("2.0.0", url, NEW, attempt=attempt)
        assert server.expect_progress(-2)["desc"] == f"download: server answered {status}"
        assert len(web.requests) == attempt


def test_what_may_pass_is_tried_again(agent, server, web):
    """One try fewer than the agent has in a row."""
    passing = [408, 425, 429, 500, 502, 503, 504]
    agent.start()
    server.expect_inform()
    web.answer("/new", *passing)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
    assert len(web.requests) == len(passing) + 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(agent, server, web, form):
    agent.start()
    server.expect_inform()
    # A date has no fractions of a second: two whole ones from now are more than one.
    words = {"seconds": lambda: "1", "date": lambda: email.utils.formatdate(time.time() + 2, usegmt=True)}
    web.answer("/new", 503, Retry_After=words[form])
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
    first, second = web.moments
    assert second - first > 0.9
