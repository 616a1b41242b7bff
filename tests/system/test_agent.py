"""ota-agent against a plain broker: the good day, and every way a package can be bad."""

import hashlib
import re

import pytest

from agent_fixtures import agent, content, make_agent, plain_broker, pytestmark, server, web  # noqa: F401
from harness.wait import until

NEW = content(200_000)


def test_informs_what_runs_on_every_connection(agent, server, plain_broker):
    agent.start()
    first = server.expect_inform(version="1.0.0")
    assert first["agent"].startswith("ota-agent/") and first["caps"] == ["cancel"] and len(first["bootId"]) == 36
    assert "module" not in first and "batch" not in first
    plain_broker.restart(kill=True)
    server.reconnect(plain_broker)
    assert server.expect_inform(version="1.0.0")["bootId"] == first["bootId"]
    agent.stop()
    agent.start()
    assert server.expect_inform(version="1.0.0")["bootId"] != first["bootId"]


def test_connects_as_the_device_it_is(agent, server, plain_broker):
    agent.start()
    server.expect_inform()
    plain_broker.wait_log("as pk1.dev1|securemode=3,_v=ota-agent-0.1.0| (p2, c1, k60, u'dev1&pk1')")


def test_a_push_ends_in_the_new_version(agent, server, web):
    agent.start()
    boot = server.expect_inform(version="1.0.0")["bootId"]
    server.push("2.0.0", web.add("/new", NEW), NEW)
    done = server.expect_progress(100)
    assert (done["batch"], done["attempt"], done["desc"]) == (7, 1, "downloaded and verified")
    after = server.expect_inform(version="2.0.0")
    assert (after["batch"], after["attempt"]) == (7, 1) and after["bootId"] != boot
    assert agent.current() == "b" and agent.running_image() == NEW
    assert sorted(each.name for each in agent.state.iterdir()) == ["lock", "state.json"]


def test_progress_rises_in_fives(agent, server, web):
    agent.start()
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
    steps = server.steps()
    assert steps[0] == 0 and steps[-1] == 100
    assert steps == sorted(set(steps)) and all(step % 5 == 0 for step in steps)


def test_a_plain_server_that_numbers_nothing_and_signs_with_md5(agent, server, web):
    agent.start()
    server.expect_inform()
    url = web.add("/new", NEW)
    server.push("2.0.0", url, NEW, batch=0, signMethod="Md5", sign=hashlib.md5(NEW).hexdigest())
    assert "batch" not in server.expect_progress(100)
    assert "batch" not in server.expect_inform(version="2.0.0")


def test_several_updates_one_after_the_other(agent, server, web):
    agent.start()
    server.expect_inform()
    for number in range(2, 6):
        image = content(50_000, number)
        server.push(f"{number}.0.0", web.add(f"/{number}", image), image, batch=number)
        server.expect_inform(version=f"{number}.0.0", batch=number)
        assert agent.running_image() == image


@pytest.mark.parametrize("step, desc, prepare", [
    (-2, "download: server answered 404", lambda web, push: push(url=web.url("/nowhere"))),
    (-2, "download: server answered 403", lambda web, push: (web.answers.update({"/new": 403}), push())),
    (-2, "download: url scheme ftp is not allowed by url_schemes (http https)",
     lambda web, push: push(url="ftp://127.0.0.1/new")),
    (-3, "verify: the server has 200000 bytes, announced were 199999", lambda web, push: push(size=199_999)),
    (-3, "verify: SHA-256 is ", lambda web, push: push(sign="0" * 64)),
    (-1, "this device has no module radio", lambda web, push: push(module="radio")),
    (-1, "this agent takes full images only, no delta", lambda web, push: push(isDiff=1)),
])
def test_each_failure_is_told_once_with_its_reason(agent, server, web, step, desc, prepare):
    agent.start()
    server.expect_inform()
    prepare(web, lambda url=web.add("/new", NEW), **change: server.push("2.0.0", url, NEW, **change))
    report = server.expect_progress(step)
    assert report["desc"].startswith(desc) and (report["batch"], report["attempt"]) == (7, 1)
    prepare(web, lambda url=web.url("/new"), **change: server.push("2.0.0", url, NEW, **change))
    agent.wait_log("push_ignored")
    assert server.steps() == []
    assert agent.current() == "a"
    web.answers.clear()
    server.push("2.0.0", web.url("/new"), NEW, attempt=2)
    server.expect_inform(version="2.0.0", attempt=2)


def test_a_package_without_room_is_refused_before_its_first_byte(agent, server, web):
    agent.start()
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW, size=1 << 50)
    desc = server.expect_progress(-2)["desc"]
    assert re.match(rf"download: {(1 << 50) + 65536} bytes are needed, \d+ are free in /", desc), desc
    assert web.requests == []


def test_an_image_needs_room_once(make_agent, server, web):
    """The download is linked into its slot; the next download does not write into it."""
    agent = make_agent()
    hook = 'echo "links $(stat -c %h "$OTA_FILE")"; [ "$OTA_VERSION" != 2.0.0 ] || exit 21'
    agent.modules["default"]["check"] = agent.hook("check", hook)
    agent.provision().start()
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_progress(-1)
    assert "links 2" in agent.log() and (agent.slots / "b" / "image").read_bytes() == NEW
    other = content(1000, 9)
    web.hold_at("/other", 500)
    server.push("3.0.0", web.add("/other", other), other, batch=8)
    until(lambda: agent.part_size() == 500, "the other download")
    assert (agent.slots / "b" / "image").read_bytes() == NEW
    web.hold_at("/other", None)
    server.expect_inform(version="3.0.0")
    assert sorted(each.name for each in agent.state.iterdir()) == ["lock", "state.json"]


def test_https_only_unless_loosened(make_agent, server, web):
    agent = make_agent(url_schemes=None).provision().start()
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW)
    assert server.expect_progress(-2)["desc"] == "download: url scheme http is not allowed by url_schemes (https)"
    assert web.requests == []
    assert agent.current() == "a"


def test_a_busy_server_is_asked_again(agent, server, web):
    agent.start()
    server.expect_inform()
    web.answer("/new", 503, 503)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")


def test_the_check_refuses_an_image_and_the_old_one_stays(make_agent, server, web):
    agent = make_agent()
    check = agent.hook("check", 'grep -q "U-Boot" "$OTA_FILE" || { echo "no U-Boot version in this image"; exit 1; }')
    agent.modules["default"]["check"] = check
    agent.provision().start()
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW)
    assert server.expect_progress(-4)["desc"] == "install: no U-Boot version in this image"
    assert agent.current() == "a"
    good = b"U-Boot 2023.01" + NEW
    server.push("2.0.1", web.add("/good", good), good, batch=8)
    server.expect_inform(version="2.0.1")


def test_what_is_no_push_is_ignored(agent, server, web):
    agent.start()
    server.expect_inform()
    for payload in ("", "{", "[]", '{"code":"1000","data":{}}', '{"code":"500","data":{}}', "\0" * 100, '{"data":' * 50):
        server.push_raw(payload)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
    assert agent.log().count("strange_message") == 7


def test_a_second_push_while_busy_changes_nothing(agent, server, web):
    agent.start()
    server.expect_inform()
    web.hold_at("/new", 100_000)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    until(lambda: web.sent.get("/new", 0) == 100_000, "half the download")
    other = content(1000, 3)
    server.push("3.0.0", web.add("/other", other), other, batch=8)
    server.push("2.0.0", web.url("/new"), NEW)
    agent.wait_log("busy")
    web.hold_at("/new", None)
    server.expect_inform(version="2.0.0", batch=7)
    assert web.ranges("/other") == [] and len(web.ranges("/new")) == 1


def test_a_push_of_what_runs_draws_an_inform(agent, server, web):
    agent.start()
    server.expect_inform()
    server.push("1.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="1.0.0")
    assert web.requests == []


def test_a_download_can_be_canceled_an_ended_attempt_cannot(agent, server, web):
    agent.start()
    server.expect_inform()
    web.hold_at("/new", 100_000)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    until(lambda: web.sent.get("/new", 0) == 100_000, "half the download")
    server.ask_cancel(7, 1)
    answer = until(lambda: (lambda each: each if "cancel" in each else None)(server.expect_progress()), "an answer")
    assert answer["cancel"] == "accepted" and (answer["batch"], answer["attempt"]) == (7, 1)
    server.ask_cancel(7, 1)
    assert server.expect_progress()["cancel"] == "refused"
    assert agent.part_size() == 0 and agent.current() == "a"


def test_two_modules_go_their_own_ways(make_agent, server, web):
    agent = make_agent()
    version_file = agent.home / "mcu.version"
    version_file.write_text("0.1\n")
    hook = agent.hook("mcu", f"""
case "$1" in
version) cat {version_file} ;;
install)
    [ "$(sha256sum <&3 | cut -c1-64)" = "$OTA_SHA256" ] || {{ echo "error wrong bytes on OTA_FD"; exit 1; }}
    echo "progress 50 halfway"; echo "$OTA_VERSION" >{version_file} ;;
esac""")
    agent.modules["mcu"] = {"installer": "exec", "command": hook}
    agent.provision().start()
    assert {server.expect_inform().get("module"), server.expect_inform().get("module")} == {None, "mcu"}
    firmware = content(5000, 5)
    server.push("0.2", web.add("/mcu", firmware), firmware, module="mcu")
    assert server.expect_progress(100)["module"] == "mcu"
    server.expect_inform(version="0.2", module="mcu")
    assert agent.current() == "a", "the other one is untouched"
    assert "progress 50 halfway" in agent.log()


def test_an_install_hook_tells_why_it_cannot(make_agent, server, web):
    agent = make_agent()
    agent.modules = {"default": {"installer": "exec", "command": agent.hook("hook", """
[ "$1" = version ] && { echo 1.0.0; exit; }
case "$OTA_VERSION" in
2.*) echo "error flash is write protected"; exit 3 ;;
3.*) echo "battery at 12 %"; exit 21 ;;
4.*) sleep 60 ;;
esac"""), "timeout": "1s"}}
    agent.start()
    server.expect_inform(version="1.0.0")
    images = {number: content(1000, number) for number in (2, 3, 4)}
    urls = {number: web.add(f"/{number}", image) for number, image in images.items()}
    server.push("2.0.0", urls[2], images[2])
    assert server.expect_progress(-4)["desc"] == "install: flash is write protected"
    server.push("3.0.0", urls[3], images[3], batch=8)
    assert server.expect_progress(-1)["desc"] == "install: battery at 12 %"
    server.push("4.0.0", urls[4], images[4], batch=9)
    assert "took longer than 1s and was ended" in server.expect_progress(-4)["desc"]


def refusal(server, **of):
    """Of that batch and attempt: what was told before a restart may be told again after it."""
    while True:
        params = server.expect_progress(-4)
        if {key: params[key] for key in of} == of:
            return params["desc"]


def test_the_same_bad_package_is_never_tried_twice(make_agent, server, web):
    """Not by another batch, not after a restart; but where the operator tries again in the same batch, and after --forget."""
    agent = make_agent()
    mended = agent.home / "mended"
    agent.modules["default"]["check"] = agent.hook("check", f"[ -e {mended} ] || {{ echo no room in NVRAM; exit 1; }}")
    agent.provision().start()
    server.expect_inform()
    url = web.add("/new", NEW)
    server.push("2.0.0", url, NEW)
    assert server.expect_progress(-4)["desc"] == "install: no room in NVRAM"
    server.expect_inform(batch=7)
    server.push("2.0.0", url, NEW, batch=8)
    assert server.expect_progress(-4)["desc"] == "not tried again: install: no room in NVRAM"
    server.fence()
    agent.stop()
    agent.start()
    server.expect_inform()
    server.push("2.0.0-renamed", url, NEW, batch=9)
    assert refusal(server, batch=9, attempt=1) == "not tried again: install: no room in NVRAM"
    assert len(web.requests) == 1
    server.push("2.0.0-renamed", url, NEW, batch=9, attempt=2)
    assert refusal(server, batch=9, attempt=2) == "install: no room in NVRAM"
    server.expect_inform(batch=9)
    code, output = agent.call("--forget")
    assert code == 1 and f"is in use by process {agent.process.pid}" in output
    server.fence()
    agent.stop()
    assert agent.call("--forget") == (0, "forgot 2.0.0-renamed of module default: install: no room in NVRAM\n")
    assert agent.call("--forget") == (0, "nothing to forget\n")
    mended.touch()
    agent.start()
    server.expect_inform()
    server.push("2.0.0", url, NEW, batch=10)
    server.expect_inform(version="2.0.0")


def test_a_version_that_does_not_come_up_is_told_by_the_old_one(make_agent, server, web):
    """An exec module whose hook claims to install and does not: a device that fell back."""
    agent = make_agent()
    agent.modules = {"default": {"installer": "exec", "command": agent.hook("hook", '[ "$1" = version ] && echo 1.0.0; exit 0')}}
    agent.start()
    boot = server.expect_inform(version="1.0.0")["bootId"]
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_progress(100)
    after = server.expect_inform(version="1.0.0", batch=7, attempt=1)
    assert after["bootId"] != boot
    agent.wait_log("task_fell_back")
    assert -4 not in server.steps()


def test_a_restart_hook_takes_the_process_down(make_agent, server, web):
    agent = make_agent()
    hook = agent.hook("restart", f'[ "$1" = restart ] && echo "$OTA_VERSION" >{agent.home}/asked; kill -TERM $PPID')
    agent.keys["restart"] = f"hook:{hook}"
    agent.provision().start()
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_progress(100)
    assert agent.wait() == 0
    assert (agent.home / "asked").read_text() == "2.0.0\n"
    agent.start()
    server.expect_inform(version="2.0.0")


def test_restart_by_exit_asks_for_it_with_10(make_agent, server, web):
    agent = make_agent(restart="exit").provision().start()
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW)
    assert agent.wait() == 10
    server.expect_progress(100)
    agent.start()
    server.expect_inform(version="2.0.0")


def test_a_damaged_slot_is_no_version(agent, server, web):
    (agent.slots / "a" / "image").write_bytes(b"image of 1.0.1")
    agent.start()
    server.expect_inform(version="unknown")
    agent.wait_log("is not what its manifest says")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_inform(version="2.0.0")
