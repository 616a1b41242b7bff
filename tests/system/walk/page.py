"""What a page tells its reader to type, and what he is shown.

A block fenced by ``` without a language is for a shell. Where one of its lines begins with "$ ", those lines are typed and the
others are the answer to the one above; otherwise every line is typed. A line that ends in a backslash goes on in the next one.
Lines of a block that begin with # are remarks.
"""

import re
from dataclasses import dataclass, field


@dataclass
class Step:
    command: str
    shown: list = field(default_factory=list)
    title: str = ""


def sections(text):
    """(title, body) of each `##` heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def blocks(body):
    return [block.splitlines() for block in re.findall(r"^```\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)]


def steps(body, title=""):
    found = []
    for block in blocks(body):
        prompted = any(line.startswith("$ ") for line in block)
        continued = False
        for line in block:
            if continued:
                found[-1].command += "\n" + line
            elif prompted and not line.startswith("$ "):
                found[-1].shown.append(line)
                continue
            elif line.startswith("#") or not line.strip():
                continue
            else:
                found.append(Step(line.removeprefix("$ "), title=title))
            continued = line.endswith("\\")
    return found


def shape(line):
    """A line's words; whatever holds a digit, a bar or a time may be another the next time."""
    return ["…" if re.search(r"[\d\u2588-\u258f]|…|^(ago|now)$", word) else word for word in line.split()]


def fits(shown, seen):
    """Whether the lines that the page shows come in that order in what was seen. A line "…" stands for any."""
    rest = iter(seen)
    return [line for line in shown if line.strip() != "…" and not any(alike(shape(line), shape(each)) for each in rest)]


def alike(shown, seen):
    if shown and shown[-1] == "…":
        return alike(shown[:-1], seen[: len(shown) - 1])
    return len(shown) == len(seen) and all(one in ("…", other) or other == "…" for one, other in zip(shown, seen))
