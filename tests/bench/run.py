"""Side-by-side figures of one run on one machine. They are printed, never tested: what holds between machines are the ratios.

    /usr/bin/python3 tests/bench/run.py [all|blocks|events|foreign|hostile|informs|login|stall|log|million] [--rounds 5] ...
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "system")]

from harness import releases  # noqa: E402 - the path comes first
from harness.broker import Broker  # noqa: E402

import blocks  # noqa: E402
import events  # noqa: E402
import foreign  # noqa: E402
import hostile  # noqa: E402
import informs  # noqa: E402
import login  # noqa: E402
import million  # noqa: E402
import stall  # noqa: E402
import storelog  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description="benchmarks of the broker with the plugin")
    parser.add_argument("what", nargs="?", default="all",
                        choices=["all", "blocks", "events", "foreign", "hostile", "informs", "login", "stall", "log",
                                 "million"])
    parser.add_argument("--messages", type=int, default=200000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--devices", type=int, default=0,
                        help="that inform, or download (200); of million: registered (1 000 000)")
    parser.add_argument("--informs", type=int, default=50, help="of each device")
    parser.add_argument("--attack", default="", help="of hostile: only those with this in their name")
    parser.add_argument("--fleet", type=int, default=500, help="of hostile: devices beside the attackers")
    parser.add_argument("--seconds", type=float, default=2.0, help="of hostile: of each window")
    parser.add_argument("--batch", type=int, default=20000, help="devices of the prepared batch")
    return parser.parse_args()


class Brokers:
    """Makes started brokers and ends them."""

    def __init__(self, home):
        self.home = Path(home)
        self.made = []

    def __call__(self, plugin, **more):
        broker = Broker(self.home / str(len(self.made)), plugin=plugin, **more)
        broker.config.set("log_type", "error")
        self.made.append(broker)
        return broker.start()

    def close(self):
        for broker in self.made:
            broker.close()


def main():
    given = arguments()
    benchmarks = {
        "blocks": lambda make: blocks.run(make, given.devices or 200),
        "events": lambda make: events.run(make, 100, given.rounds),
        "foreign": lambda make: foreign.run(make, given.messages, given.rounds),
        "hostile": lambda make: hostile.run(make, given.attack, given.fleet, given.rounds, given.seconds),
        "informs": lambda make: informs.run(make, given.devices or 200, given.informs),
        "login": lambda make: login.run(make, 8 * given.rounds),
        "stall": lambda make: stall.run(make, given.batch),
        "log": lambda make: storelog.run(make.home, given.rounds),
        "million": lambda make: million.run(make, given.devices or 1000000),
    }
    for name in benchmarks if given.what == "all" else [given.what]:
        with tempfile.TemporaryDirectory(prefix="ota-bench-") as home:
            brokers = Brokers(home)
            try:
                print(f"\n[{name}] Mosquitto {releases.default().version}, {os.cpu_count()} cores")
                benchmarks[name](brokers)
            finally:
                brokers.close()


if __name__ == "__main__":
    main()
