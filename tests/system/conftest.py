"""Fixtures of the system tests: a broker per test, an operator, names that no other test uses."""

import signal
import tempfile
from pathlib import Path

import pytest

from harness import places, sanitizer
from harness.broker import Broker
from harness.scenario import Scenario
from harness.sentences import heard_logs

OWN_TEMP = "ota-tests-"


def signals_as_in_a_shell():
    """A shell without job control starts what goes to the background with Ctrl-C ignored, and so would be every program of the
    tests: those that are ended by it would never end."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_configure(config):
    signals_as_in_a_shell()
    config.addinivalue_line("markers", "slow: the long form of a test; runs with -m slow")
    config.addinivalue_line("markers", "needs_no_plugin: runs without the built plugin")
    if not config.option.basetemp:
        # pytest's own choice is shared by all runs of a user, which clean up after each other
        config.option.basetemp = tempfile.mkdtemp(prefix=OWN_TEMP)


def pytest_sessionfinish(session, exitstatus):
    """What a failed run wrote stays for who looks into it."""
    home = Path(session.config.option.basetemp)
    heard_logs(home)
    if home.name.startswith(OWN_TEMP) and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        places.remove(home)


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    if exitstatus == pytest.ExitCode.TESTS_FAILED:
        terminalreporter.write_line(f"files of this run: {config.option.basetemp}")


def pytest_collection_modifyitems(config, items):
    """The long forms run when they are asked for; without a built plugin its tests are skipped by name."""
    if not config.option.markexpr:
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
    if not places.plugin().exists():
        missing = pytest.mark.skip(reason=f"no plugin at {places.plugin()}: build first")
        for item in items:
            if not item.get_closest_marker("needs_no_plugin"):
                item.add_marker(missing)


@pytest.fixture(autouse=True)
def no_sanitizer_report():
    """Under a sanitizer a test fails with the report it caused."""
    before = set(sanitizer.reports())
    yield
    new = {name: text for name, text in sanitizer.reports().items() if name not in before}
    assert not new, "\n".join(f"{name}:\n{text[:4000]}" for name, text in new.items())


@pytest.fixture
def new_broker(tmp_path):
    """Makes brokers that are not started yet, and ends them after the test."""
    made = []

    def make(name="broker", **more):
        made.append(Broker(tmp_path / name, **more))
        return made[-1]

    yield make
    failures = []
    for broker in made:
        try:
            broker.close()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture
def broker(new_broker):
    return new_broker().start()


@pytest.fixture
def operator(broker):
    with broker.operator() as connected:
        yield connected


@pytest.fixture
def make_scenario(broker, operator):
    made = []

    def make(*devices):
        made.append(Scenario(broker, operator, devices or ("sensor-01",)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def scenario(make_scenario):
    return make_scenario()
