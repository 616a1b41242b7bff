"""The demo: Mosquitto with the plugin, the gateway and twenty devices, as real processes on this machine's loopback, updating.

    DEMO_ONCE=1     end after the proof, also on a terminal (without a terminal, and where CI is set, it always does)
    DEMO_KEEP=1     leave the scratch directory with its configurations and logs
    DEMO_CORRUPT=1  flip a bit in one device's active slot before the proof; the demo must fail
    DEMO_LIMIT=180  seconds after which a demo that hangs is ended

Exit code 0 after the proof held, 1 if anything went otherwise, 130 after Ctrl-C and 143 after SIGTERM before the proof.
"""

import os
import signal
import sys

from console import Surprise
from daemon import Died
from example import Drifted
from firmware import NoFirmware
from fleet import BadDevice
from invitation import invite
from scratch import Scratch
from servers import NotReady
from sources import NotBuilt
from stage import Stage, is_set
from story import NotAll, Story

TIME_LIMIT_S = 180
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Hangs(Exception):
    pass


class Ended(BaseException):
    """A signal asks us to end. No Exception, so that nobody on the way takes it for a failure."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


FAILURES = (Died, Drifted, NoFirmware, BadDevice, NotReady, NotBuilt, NotAll, Surprise, Hangs, OSError)


def time_limit():
    text = os.environ.get("DEMO_LIMIT", "")
    return int(text) if text.isdecimal() and int(text) > 0 else TIME_LIMIT_S


def ignore_signals():
    """What tidies up is not to be interrupted; it takes a few seconds at most."""
    signal.alarm(0)
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def listen_to_signals(limit):
    def end(number, _frame):
        ignore_signals()
        raise Ended(number)

    def give_up(_number, _frame):
        raise Hangs(f"nothing was proved within {limit} s (DEMO_LIMIT), something hangs; the last lines of the logs stand above")

    for number in ENDING:
        signal.signal(number, end)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(limit)


def forget_proxies():
    """A proxy that this machine asks for the world is not to be asked for the loopback. Paho knows no_proxy not at all, so the
    proxies go.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)


def stays_up():
    return sys.stdin.isatty() and sys.stdout.isatty() and not is_set("DEMO_ONCE") and not is_set("CI")


def stay_up(stage):
    signal.alarm(0)
    invite(stage)
    try:
        while True:
            signal.pause()
    except Ended:
        print()


def perform():
    """True if it stayed up until somebody ended it."""
    with Scratch(keep=is_set("DEMO_KEEP"), before_end=ignore_signals) as scratch, Stage(scratch) as stage:
        try:
            Story(stage).tell()
        except FAILURES:
            stage.show_logs()
            raise
        if not stays_up():
            return False
        stay_up(stage)
        return True


def main():
    sys.stdout.reconfigure(line_buffering=True)
    forget_proxies()
    listen_to_signals(time_limit())
    try:
        if perform():
            print("demo: ended, nothing is left running")
    except Ended as end:
        print(f"\ndemo: ended by {signal.Signals(end.number).name}, nothing is left running", file=sys.stderr)
        return 128 + end.number
    except FAILURES as failure:
        print(f"demo: failed: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
