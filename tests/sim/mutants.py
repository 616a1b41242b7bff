"""`make mutants`: rules broken on purpose, one at a time, and who notices.

mutants.py BUILD [ID ...]     builds and runs them, two side by side; ends with "mutants: N of N killed"
mutants.py BUILD --check      as a test: each one's text still stands exactly once in its file

mutants.toml lists them. A mutant is a copy of one source file with one text replaced, compiled as the build compiles that file
and linked in place of it; the tree itself is never touched. `by` says who is to notice: "sim", which runs the kept seeds and then
others until one fails, or a program of tests/unit. A mutant that nobody notices is a hole in the checks.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from typing import NamedTuple

import run

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(__file__).with_name("mutants.toml")
SEEDS_MAX = 300    # a rule that many worlds do not miss is none
SEEDS_ONCE = 20    # between two looks whether one failed
PATIENCE_S = 120   # a program that hangs has noticed, too
PROCESSES = 2


class Mutant(NamedTuple):
    id: str
    file: str
    text: str
    becomes: str
    rule: str
    by: str = "sim"


def mutants() -> list[Mutant]:
    return [Mutant(**row) for row in tomllib.loads(LIST.read_text())["mutant"]]


def problem_of(mutant: Mutant) -> str | None:
    count = (ROOT / mutant.file).read_text().count(mutant.text)
    return None if count == 1 else f"its text stands {count} times in {mutant.file}"


def command_of_file(build: pathlib.Path, file: str) -> list[str]:
    """How the build compiles it, without the compiler's cache: these are seen once."""
    entries = json.loads((build / "compile_commands.json").read_text())
    found = [entry for entry in entries if (build / entry["file"]).resolve() == ROOT / file]
    words = shlex.split(found[0]["command"])
    return words[1:] if "ccache" in words[0] else words


def command_of_program(build: pathlib.Path, program: str) -> list[str]:
    said = subprocess.run(["ninja", "-C", build, "-t", "commands", program], capture_output=True, text=True, check=True).stdout
    return shlex.split(said.splitlines()[-1])


def compile_mutant(build: pathlib.Path, mutant: Mutant, place: pathlib.Path) -> pathlib.Path:
    source, target = place / pathlib.Path(mutant.file).name, place / "mutant.o"
    source.write_text((ROOT / mutant.file).read_text().replace(mutant.text, mutant.becomes))
    words = command_of_file(build, mutant.file)
    words[words.index("-o") + 1] = str(target)
    words[words.index("-c") + 1] = str(source)
    # What it no longer uses is no error; the dependencies of the real object stay as they are.
    for option in ("-MF", "-MQ"):
        words[words.index(option) + 1] = str(place / "mutant.d")
    subprocess.run([*words, "-w", "-O1"], cwd=build, check=True)
    return target


def link_mutant(build: pathlib.Path, program: str, changed: pathlib.Path, place: pathlib.Path) -> pathlib.Path:
    """Before the libraries: they then give all but what the changed file has."""
    words = command_of_program(build, program)
    target = place / "program"
    words[words.index("-o") + 1] = str(target)
    words.insert(words.index("-o") + 2, str(changed))
    subprocess.run(words, cwd=build, check=True)
    return target


def ends_badly(command: list, place: pathlib.Path) -> bool:
    environment = {**os.environ, "TMPDIR": str(place), "OTA_SOURCE_ROOT": str(ROOT)}
    try:
        return subprocess.run(command, cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=PATIENCE_S, check=False).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def killer_of(program: pathlib.Path, by: str, place: pathlib.Path, seeds: int) -> str | None:
    if by != "sim":
        return by if ends_badly([program, "--jobs=1"], place) else None
    for first in range(1, seeds, SEEDS_ONCE):
        with tempfile.TemporaryDirectory(dir=place) as scratch:
            if ends_badly([program, scratch, str(first), str(SEEDS_ONCE), "1"], place):
                return f"sim, seeds {first} to {first + SEEDS_ONCE - 1}"
    return None


def judge(build: pathlib.Path, mutant: Mutant, seeds: int = SEEDS_MAX) -> tuple[Mutant, str | None, float]:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ota-mutant-", dir=run.scratch()) as scratch:
        place = pathlib.Path(scratch)
        program = "tests/sim/ota-sim" if mutant.by == "sim" else f"tests/unit/{mutant.by}"
        killer = killer_of(link_mutant(build, program, compile_mutant(build, mutant, place), place), mutant.by, place, seeds)
    return mutant, killer, time.monotonic() - begun


def control_fails(build: pathlib.Path) -> bool:
    """A file compiled as it stands must be noticed by nobody, or every mutant would be killed by whatever that is."""
    same = mutants()[0]._replace(becomes=mutants()[0].text)
    killer = judge(build, same, 2 * SEEDS_ONCE)[1]
    if killer:
        print(f"without any mutant: {killer}")
    return killer is not None


def run_all(build: pathlib.Path, chosen: list[Mutant]) -> int:
    killed = 0
    if control_fails(build):
        return 1
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        for done in concurrent.futures.as_completed([pool.submit(judge, build, mutant) for mutant in chosen]):
            mutant, killer, took = done.result()
            killed += killer is not None
            said = f"killed by {killer}" if killer else f"SURVIVED: nobody holds that {mutant.rule}"
            print(f"{mutant.id}: {said} ({took:.0f} s)", flush=True)
    print(f"mutants: {killed} of {len(chosen)} killed")
    return 0 if killed == len(chosen) else 1


def check_all(chosen: list[Mutant]) -> int:
    problems = [f"{mutant.id}: {problem}" for mutant in chosen if (problem := problem_of(mutant))]
    if len({mutant.id for mutant in chosen}) != len(chosen):
        problems.append("two mutants have one id")
    print("1..1")
    for problem in problems:
        print(f"# {problem}")
    print(f"{'not ' if problems else ''}ok 1 - each of {len(chosen)} mutants can be made of the source as it stands")
    return 1 if problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    chosen = [mutant for mutant in mutants() if not options.ids or mutant.id in options.ids]
    if options.check:
        return check_all(chosen)
    return run_all(options.build.resolve(), chosen)


if __name__ == "__main__":
    sys.exit(main())
