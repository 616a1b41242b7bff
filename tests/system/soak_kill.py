"""The long form of test_kill.py as a program: kills the broker many times under load and counts.

    /usr/bin/python3 tests/system/soak_kill.py [--kills 100] [--devices 200] [--modules 14] [--seed 1]

Its last line is `kill: K kills, N acknowledged, L lost`; it ends with 0 only if nothing was lost, the kept counters equal a
recount, and the final set of devices, versions and states is that of a run without kills.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from harness import places
from harness.broker import Broker
from harness.killing import Plan, run

SOON = {"repush": "300ms", "repush_max": "1s"}  # a push that was lost with the broker is repeated soon


def arguments():
    parser = argparse.ArgumentParser(description="kill -9 of the broker under load")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--modules", type=int, default=14, help="besides the default one; a device has at most 16")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def play(plan, home):
    """(result with kills, result without)."""
    with Broker(home / "killed", options=SOON) as broker:
        killed = run(broker, plan)
    with Broker(home / "calm", options=SOON) as broker:
        calm = run(broker, plan._replace(kills=0))
    return killed, calm


def report(plan, killed, calm):
    """Prints every difference and the sums; the exit status."""
    differing = killed.outcome ^ calm.outcome
    for sentence in [*map(str, killed.lost.items()), *killed.wrong, *map(str, sorted(differing, key=str))]:
        print(sentence)
    print(f"seed {plan.seed}: {len(killed.outcome)} tasks ended, {len(differing)} differ from the run without kills, "
          f"{len(killed.wrong)} kept counters are wrong")
    print(f"kill: {killed.kills} kills, {killed.acknowledged} acknowledged, {len(killed.lost)} lost")
    return 1 if killed.lost or killed.wrong or differing else 0


def main():
    given = arguments()
    plan = Plan(given.seed, given.kills, given.devices, given.modules)
    home = Path(tempfile.mkdtemp(prefix="ota-soak-"))
    status = 1
    try:
        status = report(plan, *play(plan, home))
    finally:
        if status:
            print(f"logs and stores of this run: {home}", file=sys.stderr)
        else:
            places.remove(home)
    return status


if __name__ == "__main__":
    sys.exit(main())
