"""What the benchmarks share: processor time of a process, quantiles, a table."""

import os
import statistics
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid, thread=None):
    """User and system time of a process so far, or of one of its threads; the first has the process's own number."""
    words = Path(f"/proc/{pid}/task/{thread}/stat" if thread else f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def rss_kib(pid):
    """Resident memory of a process."""
    words = Path(f"/proc/{pid}/statm").read_text().split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values):
    """(min, median)."""
    return min(values), statistics.median(values)


def _cell(value):
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def table(title, head, rows):
    """Prints rows of texts and numbers; None is a figure that does not exist."""
    cells = [head] + [[_cell(each) for each in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{title}")
    for row in cells:
        print("  " + row[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:])))
