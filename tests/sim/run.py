"""Runs the simulation (main.c) over many seeds, two processes side by side, and ends with "sim: N seeds, N violations".

run.py BUILD [--seeds N] [--first N]    seeds FIRST .. FIRST + N - 1
run.py BUILD --seed N                   one seed again, with all that happened in it
run.py BUILD --short                    as a test: the kept seeds (seeds.txt), a few hundred others, and two runs of some compared

Every run begins at the same seeds, so that a failure of today is one of tomorrow; --first looks elsewhere.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROCESSES = 2
SHORT_SEEDS = 100  # besides the kept ones: some seconds on two processors
COMPARED = 3       # seeds that are run twice


def kept_seeds() -> list[int]:
    lines = (HERE / "seeds.txt").read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


def scratch() -> str:
    """Where stores are made: in memory where that can be had, for a run syncs as often as a server does."""
    memory = pathlib.Path("/dev/shm")
    return str(memory) if memory.is_dir() else tempfile.gettempdir()


class Runs:
    """What several runs of the program said together."""

    def __init__(self, program: pathlib.Path):
        self.program = program
        self.failures: list[str] = []
        self.figures: dict[str, int] = {}

    def run(self, commands: list[list[str]]) -> None:
        with tempfile.TemporaryDirectory(prefix="ota-sim-", dir=scratch()) as root:
            started = []
            for number, command in enumerate(commands):
                place = pathlib.Path(root, str(number))
                place.mkdir()
                started.append(subprocess.Popen([self.program, place, *command], stdout=subprocess.PIPE, text=True))
            for process in started:
                self.read(process)

    def read(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            if figures := re.fullmatch(r"((?:[a-z]+=\d+ ?)+)\n", line):
                for name, value in (pair.split("=") for pair in figures[1].split()):
                    self.figures[name] = self.figures.get(name, 0) + int(value)
            else:
                self.failures.append(line.rstrip())
                print(line, end="", flush=True)
        if process.wait() not in (0, 1):
            self.failures.append(f"the program ended with {process.returncode}")
            print(self.failures[-1])

    def tell(self, begun: float) -> int:
        print(", ".join(f"{value} {name}" for name, value in self.figures.items() if name not in ("seeds", "violations")),
              f"in {time.monotonic() - begun:.0f} s")
        print(f"sim: {self.figures.get('seeds', 0)} seeds, {len(self.failures)} violations")
        return 1 if self.failures else 0


def many(runs: Runs, first: int, count: int) -> None:
    shares = [(count + PROCESSES - 1 - i) // PROCESSES for i in range(PROCESSES)]
    runs.run([[str(first + i), str(share), str(PROCESSES)] for i, share in enumerate(shares) if share])


def replay(program: pathlib.Path, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="ota-sim-", dir=scratch()) as root:
        return subprocess.run([program, root, "--trace", str(seed)], check=False).returncode


def short(runs: Runs) -> int:
    """As TAP: a test for the kept seeds, one for others, one for the repetition."""
    steps = [("kept seeds hold", lambda: [runs.run([[str(seed), "1"]]) for seed in kept_seeds()]),
             (f"{SHORT_SEEDS} seeds hold", lambda: many(runs, 1, SHORT_SEEDS)),
             ("a seed repeats itself to the byte",
              lambda: runs.run([["--twice", str(seed)] for seed in range(1, COMPARED + 1)]))]
    print(f"1..{len(steps)}")
    for number, (name, step) in enumerate(steps, 1):
        before = len(runs.failures)
        step()
        for failure in runs.failures[before:]:
            print(f"# {failure}")
        print(f"{'not ' if len(runs.failures) > before else ''}ok {number} - {name}", flush=True)
    return 1 if runs.failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    program = options.build.resolve() / "tests" / "sim" / "ota-sim"
    runs = Runs(program)
    begun = time.monotonic()
    if options.seed is not None:
        return replay(program, options.seed)
    if options.short:
        return short(runs)
    many(runs, options.first, options.seeds)
    return runs.tell(begun)


if __name__ == "__main__":
    sys.exit(main())
