"""otactl batch watch on every kind of terminal, and without one."""

import json
import re
import signal

import pytest

from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, otactl, plugin  # noqa: F401
from gateway_rig.otactl import PROGRAM
from harness.screen import Screen, Terminal
from harness.wait import until
from test_otactl import batch, script

pytestmark = pytest.mark.needs_no_plugin

WATCH = ("batch", "watch", "7", "--interval", "20ms")
STATES = ["pending", "pushed", "upgrading", "succeeded", "failed", "canceled"]


@pytest.fixture
def watch(otactl):  # noqa: F811
    """Starts a watch behind a terminal."""
    made = []

    def start(columns=80, interval="20ms", **environment):
        command = [PROGRAM, "batch", "watch", "7", "--interval", interval]
        made.append(Terminal(command, {**otactl.environment, **environment}, columns))
        return made[-1]

    yield start
    for each in made:
        each.close()


def counts(screen):
    """The lines of the states, as they stand on the screen."""
    return {line.split()[0]: line for line in screen.lines if line.split()[:1] and line.split()[0] in STATES}


def test_screen_takes_the_last_column_when_a_full_line_is_cleared():
    """As terminals do; the tests below would not see it otherwise."""
    screen = Screen(4)
    screen.feed("abcd\x1b[K\n")
    assert screen.lines == ["abc", ""]


@pytest.mark.parametrize("columns", [20, 27, 40, 80, 132, 250])
def test_every_width_shows_each_state_with_its_count_in_one_line(plugin, watch, columns):
    plugin.answers["getBatch"] = script(batch(pending=1200), batch(pending=1100, pushed=50, succeeded=48, failed=2),
                                        batch("completed", "failed", succeeded=1198, failed=2))
    terminal = watch(columns)
    assert terminal.end() == 5
    lines = terminal.screen.lines
    assert [line.split()[0] for line in lines[1:7]] == STATES
    assert re.search(r"\b1198\b", counts(terminal.screen)["succeeded"])
    assert lines[0].startswith("batch 7") and "complet" in lines[0]
    assert len(lines) == 8 and lines[7] == "", "one block, drawn in place, and the cursor below it"
    if columns >= 27:
        assert counts(terminal.screen)["succeeded"].endswith("99.8%")


@pytest.mark.parametrize("first, then", [(120, 40), (80, 20), (40, 120), (80, 79)])
def test_resized_terminal_shows_one_block_of_its_new_width_at_once(plugin, watch, first, then):
    plugin.answers["getBatch"] = batch(pending=3, succeeded=1)
    terminal = watch(first, interval="60s")  # whatever is drawn again comes from the resize
    terminal.until(lambda screen: len(counts(screen)) == 6, "the first block")
    terminal.resize(then)
    terminal.until(lambda screen: [line.split()[:1] for line in screen.lines[1:7]] == [[state] for state in STATES],
                   f"one block of {then} columns")
    assert all(len(line) <= then for line in terminal.screen.lines)
    assert len(terminal.screen.lines) == 8


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}])
def test_no_color_draws_in_place_without_colors(plugin, watch, environment):
    plugin.answers["getBatch"] = script(batch(pending=2), batch("completed", "succeeded", succeeded=2))
    terminal = watch(**environment)
    assert terminal.end() == 0
    assert "A" in terminal.screen.escapes and "m" not in terminal.screen.escapes


def test_color_is_there_otherwise(plugin, watch):
    plugin.answers["getBatch"] = batch("completed", "succeeded", succeeded=2)
    terminal = watch()
    assert terminal.end() == 0
    assert "m" in terminal.screen.escapes


def test_dumb_terminal_gets_a_line_for_each_change(plugin, watch):
    plugin.answers["getBatch"] = script(batch(pending=2), batch("completed", "succeeded", succeeded=2))
    terminal = watch(TERM="dumb")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.written
    assert terminal.written.count("batch=7 state=") == 2


def test_jsonl_is_an_object_for_each_change(plugin, otactl):  # noqa: F811
    plugin.answers["getBatch"] = script(batch(pending=2), batch(pending=2), batch(pending=1, succeeded=1),
                                        batch("completed", "succeeded", succeeded=2))
    seen = [json.loads(line) for line in otactl.good(*WATCH, "-o", "jsonl").splitlines()]
    assert [(each["state"], each["counts"]["succeeded"]) for each in seen] == [("running", 0), ("running", 1), ("completed", 2)]


def test_batch_that_has_ended_is_told_once(plugin, otactl):  # noqa: F811
    plugin.answers["getBatch"] = batch("canceled", "canceled", canceled=2)
    result = otactl(*WATCH)
    assert result.code == 5
    assert len(result.out.splitlines()) == 1 and "state=canceled" in result.out


def test_ctrl_c_ends_the_watch_below_the_block_and_says_so_to_the_shell(plugin, watch):
    plugin.answers["getBatch"] = batch(pending=2)
    terminal = watch()
    terminal.until(lambda screen: len(counts(screen)) == 6, "the block")
    terminal.press(b"\x03")
    assert terminal.end() == -signal.SIGINT  # 130 in a shell
    assert len(counts(terminal.screen)) == 6


def test_restart_of_the_gateway_is_told_and_watched_through(plugin, make_gateway, otactl, watch):  # noqa: F811
    plugin.answers["getBatch"] = batch(pending=2)
    own = make_gateway(listen="127.0.0.1:0").start().wait_broker()
    otactl.environment["OTA_URL"] = own.url
    terminal = watch()
    terminal.until(lambda screen: len(counts(screen)) == 6, "the block")
    port = own.port
    own.stop()
    terminal.until(lambda screen: any("trying again" in line for line in screen.lines), "the sentence that it tries again")
    own.settings["listen"] = f"127.0.0.1:{port}"
    plugin.answers["getBatch"] = batch("completed", "succeeded", succeeded=2)
    own.start()
    assert terminal.end() == 0
    shown = "\n".join(terminal.screen.lines)
    assert shown.count("trying again") == 1 and shown.count("the server answers again") == 1
    assert "completed" in shown.rpartition("answers again")[2]


def test_watch_in_a_pipe_that_is_closed_ends(plugin, otactl):  # noqa: F811
    plugin.answers["getBatch"] = script(*[batch(pending=2, succeeded=each % 2) for each in range(200)])
    watching = otactl.start(*WATCH)
    watching.stdout.readline()
    watching.stdout.close()
    assert until(lambda: watching.poll() is not None, "the watch ends") and watching.returncode != 0
    watching.stderr.close()
