"""The tables of the product, as print-tables gives them."""

import json
import subprocess
from functools import lru_cache
from typing import NamedTuple

from harness import places, schemas

PROGRAM = places.BUILD / "tests" / "surface" / "print-tables"


@lru_cache(maxsize=None)
def tables():
    return json.loads(subprocess.run([PROGRAM], check=True, capture_output=True).stdout)


@lru_cache(maxsize=None)
def commands():
    """By name."""
    return {each["name"]: each for each in tables()["commands"]}


def examples(command):
    """The members of the schema's own examples of a request."""
    own = schemas.documents()[f"command/{command}"]["$defs"]["request"]["examples"]
    return [{key: value for key, value in each.items() if key not in ("command", "token", "correlationData")} for each in own]


class Field(NamedTuple):
    """A parameter of a command, where it stands: ("strategy", "retries"), ("devices", 0, "deviceName")."""

    command: str
    path: tuple
    row: dict

    def __str__(self):
        return f"{self.command}.{dotted(self.path)}"


def dotted(path):
    """As a refusal names it: "devices[0].deviceName"."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).lstrip(".")


def fields(command):
    """Every parameter of a command, those inside of objects too. What the transport itself sets has tests of its own."""
    own = [row for row in commands()[command]["common"] if row["name"] not in ("command", "token", "correlationData")]
    for row in own + commands()[command]["parameters"]:
        yield Field(command, (row["name"],), row)
        inside = (row["name"], 0) if row["type"] == "objects" else (row["name"],)
        for member in row.get("members", ()):
            yield Field(command, (*inside, member["name"]), member)


def all_fields():
    return [field for name in commands() for field in fields(name)]


def member(value, path):
    """What stands there; KeyError if nothing does."""
    for key in path:
        value = value[key]
    return value


def borrowed(command, name):
    """The command's first example, with a member as createBatch has it: batches made of batches take the same."""
    for each in examples("createBatch"):
        if name in each:
            reason = {"reason": each["reason"]} if "reason" in each else {}
            apart = ("version",) if name == "package" else ()  # a package is named by the one or the other
            own = {key: value for key, value in examples(command)[0].items() if key not in apart}
            yield {**own, **reason, name: each[name]}


def example_with(field):
    """An example that holds the field: its rules allow it there. Optional members of the whole command stand in any."""
    for each in [*examples(field.command), *borrowed(field.command, field.path[0])]:
        try:
            member(each, field.path)
            return each
        except (KeyError, IndexError):
            continue
    if field.row in commands()[field.command]["common"]:
        return examples(field.command)[0]
    raise LookupError(f"no example of {field.command} holds {dotted(field.path)}: add it to schemas/command")
