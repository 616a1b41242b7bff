"""The demo, as a newcomer and as CI run it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from harness import places, sanitizer
from harness.wait import until

PYTHON = "/usr/bin/python3"
LIMIT = 170
LAST_LINE = "demo: 20 of 20 devices run "

pytestmark = pytest.mark.skipif(sanitizer.chosen() is not None, reason="the demo shows the ordinary build")


class Run:
    """One demo with a temporary directory of its own, so that what it leaves is found."""

    def __init__(self, home, **settings):
        self.home = home
        self.scratch = home / "scratch"
        self.scratch.mkdir(parents=True)
        environment = {**os.environ, "OTA_BUILD": str(places.BUILD), "TMPDIR": str(self.scratch), "DEMO_ONCE": "1", **settings}
        self.out, self.err = home / "out", home / "err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([PYTHON, "-B", str(places.ROOT / "scripts" / "demo")], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err, env=environment, start_new_session=True)

    def wait(self):
        return self.process.wait(LIMIT)

    def lines(self):
        return self.out.read_text().splitlines()

    def says(self, words):
        return until(lambda: words in self.out.read_text() or self.process.poll() is not None, f"the demo to say {words!r}",
                     LIMIT)

    def names(self):
        return [path.name for path in self.scratch.iterdir()]

    def processes(self):
        """Those whose command line names the scratch directory: broker, gateway, agents, otactl."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile
            if str(self.scratch) in words:
                found.append(words)
        return found

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for path in self.memory(self.names()):
            places.remove(path)

    @staticmethod
    def memory(names):
        """What demos with these scratch directories have in memory."""
        return [path for path in places.SHARED_MEMORY.glob("ota-demo-*") if path.name.startswith(tuple(names))]

    def check_left_nothing(self, names):
        assert names, "there was a scratch directory once"
        assert self.processes() == []
        assert self.names() == []
        assert self.memory(names) == []


@pytest.fixture
def new_demo(tmp_path):
    made = []

    def make(**settings):
        made.append(Run(tmp_path / f"demo-{len(made)}", **settings))
        return made[-1]

    yield make
    for demo in made:
        demo.close()


def test_it_ends_with_a_proof_that_one_flipped_bit_breaks(new_demo):
    """Two demos side by side, neither disturbs the other: a good one, and one that flips a bit in one device's active slot at the
    end.
    """
    good, corrupt = new_demo(), new_demo(DEMO_CORRUPT="1")
    names = {demo: until(demo.names, "the scratch directory") for demo in (good, corrupt)}

    assert good.wait() == 0, good.err.read_text()
    assert good.lines()[-1].startswith(LAST_LINE + "2023."), good.lines()[-3:]
    good.check_left_nothing(names[good])
    assert "no U-Boot version string in the image" in good.out.read_text(), "the bad package fails on a device"
    assert "failed its verification" in good.err.read_text(), "and is refused for everybody"

    assert corrupt.wait() == 1
    assert LAST_LINE not in corrupt.out.read_text()
    assert "demo: failed: 19 of 20 active slots hold" in corrupt.err.read_text()
    corrupt.check_left_nothing(names[corrupt])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_it_leaves_nothing(new_demo, number):
    demo = new_demo()
    demo.says("batch watch")
    names = demo.names()
    assert demo.processes()
    demo.process.send_signal(number)
    assert demo.wait() == 128 + number
    assert LAST_LINE not in demo.out.read_text()
    demo.check_left_nothing(names)


def test_killed_it_leaves_no_process(new_demo):
    """Nobody is left then to end the children but the kernel."""
    demo = new_demo()
    demo.says("batch watch")
    assert demo.processes()
    demo.process.kill()
    demo.wait()
    until(lambda: not demo.processes(), "the children to end with the demo")


def test_a_demo_that_hangs_is_ended_with_a_sentence(new_demo):
    demo = new_demo(DEMO_LIMIT="6")
    names = until(demo.names, "the scratch directory")
    assert demo.wait() == 1
    assert "nothing was proved within 6 s" in demo.err.read_text()
    assert "--- the last lines of broker ---" in demo.err.read_text()
    demo.check_left_nothing(names)
