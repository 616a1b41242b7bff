"""Command lines that break a rule, made of the tables of flags and verbs: words, and what must stand in the sentence."""

from typing import NamedTuple

from .fields import allowed_words
from .settings import duration
from .tables import commands, tables

# What a verb cannot do without, where its table alone does not tell: a value each argument and option takes.
VALUES = {"productKey": "pk1", "deviceName": "d1", "group": "g1", "batch": "1", "package": "1", "task": "1", "job": "1",
          "name": "a", "role": "viewer", "version": "1.0"}
NUMBERS = ("integer", "duration")
# Without these the verb's own code would speak first.
MORE = {"batch create": ("--all", "--package=1"), "package add": (__file__,), "device add": ("d1",), "device register": ("d1",),
        "device tag": ("d1", "--set=a=b"), "group add": ("d1",), "group remove": ("d1",)}


class Line(NamedTuple):
    what: str
    words: tuple
    told: tuple  # of the sentence

    def __str__(self):
        return f"{self.what}: {' '.join(map(repr, self.words))}"


def verbs():
    return tables()["verbs"]


def name_of(verb):
    return (verb["noun"], verb["name"]) if "name" in verb else (verb["noun"],)


def options_of(verb):
    return verb["options"] + tables()["options"]


def parameter(verb, member):
    """The row of "strategy.retries" in the verb's command."""
    rows = commands()[verb["command"]]["parameters"] + commands()[verb["command"]]["common"] if "command" in verb else []
    found = None
    for part in (member or "").split("."):
        found = next((row for row in rows if row["name"] == part), None)
        rows = found.get("members", []) if found else []
    return found


def needed(verb):
    """Its arguments, each with a value that is right."""
    members = verb["members"].split()
    return tuple(VALUES[members[place]] if place < len(members) else "x" for place in range(int(verb["least"])))


def missable(verb, option):
    """Whether the verb cannot be said without it."""
    row = parameter(verb, option.get("member"))
    return (row and row["required"] and option.get("value") and "(default)" not in option["help"]
            and row["name"] not in verb["members"].split())


def over(row):
    """Values one past the limits, and of another type."""
    if row.get("choices"):
        yield "no choice", row["choices"][0] + "x"
        yield "empty", ""
        return
    if row["type"] in NUMBERS:
        spell = duration if row["type"] == "duration" else lambda number: str(int(number))
        yield "above its most", spell(row["high"] + 1) if row["high"] < 2**53 - 1 else "9" * 20
        if row["low"] > 0:
            yield "below its least", spell(row["low"] - 1)
        yield "of another type", "many"
        yield "empty", ""
    if row["type"] == "text":
        yield "one past its limit", "a" * (int(row["high"]) + 1)
        yield "no UTF-8", b"a\xff"
        yield "a control character", "a\x01b"
        if row["low"] > 0:
            yield "empty", ""
    if row["type"] == "bool":
        yield "of another type", "maybe"


def told_of(row, what):
    if row["type"] == "text" and not row.get("choices") and not row.get("allowed") and what.startswith(("no UTF", "a control")):
        return ("UTF-8 without control characters",)
    return allowed_words(row)


def spelt(option):
    yield f"--{option['name']}"
    if option["letter"]:
        yield f"-{option['letter']}"


def flag_lines(options, before, after):
    """What holds of any table of flags. before, after: words that make the line right without."""
    for option in options:
        name, value = f"--{option['name']}", option.get("value")
        if name == "--help":
            continue
        for wrong in (name + name[-1], name.upper()):
            yield Line(f"{name} misspelt", (*before, wrong, *after), (f"there is no option {wrong}", "did you mean --"))
        if not option.get("repeats"):
            twice = [name] if not value or value.startswith("[") else [name, "1s" if value == "DURATION" else "x"]
            yield Line(f"{name} doubled", (*before, *twice, *twice, *after), (f"{name} is given twice",))
        if not value:
            yield Line(f"{name} with a value", (*before, f"{name}=x", *after), (f"{name} takes no value",))
        elif not value.startswith("["):
            for spelling in spelt(option):
                yield Line(f"{spelling} without its value", (*before, *after, spelling), (f"{name} needs a value: {value}",))
    yield Line("an unknown option", (*before, "--zzzzzzzz", *after), ("there is no option --zzzzzzzz",))
    yield Line("an unknown letter", (*before, "-Z", *after), ("there is no option -Z",))


def argument_lines(verb):
    name, given = name_of(verb), needed(verb)
    title = " ".join(name)
    for count in range(len(given)):
        needs = f"{title} needs {verb['arguments']}; see otactl {title} --help"
        yield Line("an argument too few", (*name, *given[:count]), (needs,))
    if verb["most"] >= 0:
        more = tuple("x" for _ in range(int(verb["most"] - verb["least"])))
        takes = verb["arguments"] or "options alone"
        yield Line("an argument too many", (*name, *given, *more, "extra"),
                   (f'"extra" is one word too many: {title} takes {takes}',))
    words = [word.strip("[].") for word in verb["arguments"].split()]
    for place, member in enumerate(verb["members"].split()):
        row = parameter(verb, member)
        arguments = list(given) + ["x"] * (place + 1 - len(given))
        for what, value in over(row):
            if place < len(given) or value != "":
                arguments[place] = value
                yield Line(f"{words[place]} {what}", (*name, "--", *arguments), (words[place], *told_of(row, what)))


def value_lines(verb):
    name, given = name_of(verb), needed(verb)
    for option in verb["options"]:
        row = parameter(verb, option.get("member"))
        if not row or not option.get("value") or option["member"] in verb["members"].split()[:len(given)]:
            continue  # what an argument says already is "given twice"
        for what, value in over(row):
            joined = f"--{option['name']}=".encode() + value if isinstance(value, bytes) else f"--{option['name']}={value}"
            told = ("is no moment; allowed:",) if option["value"] == "WHEN" else told_of(row, what)
            yield Line(f"--{option['name']} {what}", (*name, *others(verb, option), joined, *given),
                       (f"--{option['name']}", *told))


def others(verb, option):
    """The options without which the command is refused before this one is looked at."""
    out = []
    for other in verb["options"]:
        if missable(verb, other) and other["name"] != option["name"]:
            out.append(f"--{other['name']}={VALUES.get(other['member'], 'x')}")
    return out


def missing_lines(verb):
    """Each option without which there is no such command."""
    name, given = name_of(verb), needed(verb)
    for option in verb["options"]:
        if missable(verb, option):
            more = MORE.get(" ".join(name), ())
            yield Line(f"without --{option['name']}", (*name, *others(verb, option), *given, *more),
                       (f"--{option['name']} is missing",))


def verb_lines(verb):
    name = name_of(verb)
    yield from flag_lines(options_of(verb), name, needed(verb))
    yield from argument_lines(verb)
    if "command" in verb:
        yield from value_lines(verb)
        yield from missing_lines(verb)
    if len(name) == 2:
        wrong = name[1] + name[1][-1]
        yield Line("a misspelt verb", (name[0], wrong), (f'there is no verb "{wrong}"', "did you mean"))
