"""How long the worker waits while the store's log is copied: by itself, as long as there was no keeper, and with the keeper."""

import statistics
import subprocess

from harness import places

from measure import table


def run(home, rounds):
    program = places.BUILD / "tests/bench/bench-log"
    command = [program, str(home / "store"), str(rounds)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rows, medians = [], {}
    for who, how in (("worker", "the worker copies"), ("keeper", "the keeper copies")):
        figures = [[float(word) for word in line.split()[1:]] for line in lines if line.split()[0] == who]
        waits = [figure[1] for figure in figures]
        medians[who] = statistics.median(waits)
        commits, logs = max(figure[2] for figure in figures), sum(int(figure[0]) for figure in figures)
        rows.append([how, medians[who], max(waits), commits, logs])
    rows.append(["ratio", medians["worker"] / medians["keeper"], None, None, None])
    head = ["", "longest wait, median", "longest wait", "longest commit", "logs"]
    table("What the worker waits for a log of 64 MiB (ms)", head, rows)
