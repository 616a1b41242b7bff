"""Layers: includes point one way (DESIGN: common <- rules <- store <- {fleet, access} <- control <- broker), and each foreign
library has its one place. TAP on stdout, or lines for `make lint`.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import tap  # noqa: E402
import tree  # noqa: E402

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)

RULES = ("common", "plugin/rules")
STORE = (*RULES, "plugin/store")
FLEET = (*STORE, "plugin/fleet")
ACCESS = (*STORE, "plugin/access")
CONTROL = (*FLEET, "plugin/access", "plugin/control")

# What each room may include, besides itself. A file belongs to the longest room that its path begins with.
MAY_SEE = {
    "common": (),
    "link": ("common",),
    "service": ("common",),
    "plugin/rules": RULES,
    "plugin/store": STORE,
    "plugin/fleet": FLEET,
    "plugin/access": ACCESS,
    "plugin/control": CONTROL,
    "plugin/broker": (*CONTROL, "plugin/broker"),
    "agent/ports": ("common",),
    "agent/core": ("common", "agent/ports"),
    "agent/adapters": ("common", "link", "agent/ports", "agent/core"),
    "agent": ("common", "link", "service", "agent/ports", "agent/core", "agent/adapters"),
    "gateway": ("common", "link", "service"),
    "ctl": ("common",),
    "simulator": ("common", "link"),
    "examples": ("agent", "common"),
}

# The headers of a library, the rooms that may include them, and in how many files of each room. otactl speaks to the gateway in
# one file and to strangers' hosts in another.
LIBRARIES = (
    (re.compile(r"mosquitto(_broker|_plugin)?\.h|mosquitto/.*|mqtt_protocol\.h"), ("plugin/broker", "simulator"), None),
    (re.compile(r"MQTT(Async|Client|Properties|ReasonCodes)\.h"), ("link",), None),
    (re.compile(r"curl/.*"), ("agent/adapters", "ctl"), {"agent/adapters": 1, "ctl": 2}),
    (re.compile(r"sqlite3\.h|libpq-fe\.h"), ("plugin/store",), None),
    (re.compile(r"microhttpd\.h"), ("gateway",), None),
    (re.compile(r"uv\.h"), ("agent",), None),
)


def room_of(name: str) -> str | None:
    rooms = [room for room in MAY_SEE if name.startswith(room + "/")]
    return max(rooms, key=len, default=None)


def own_errors(name: str, line: int, target: str, root: pathlib.Path) -> list[str]:
    """An include in quotes."""
    room, seen = room_of(name), room_of(target)
    if not (root / target).is_file():
        return [f'{name}:{line}: "{target}" is no path from the top of the tree']
    if seen == room or (seen and seen in MAY_SEE[room]):
        return []
    return [f'{name}:{line}: {room} may not include "{target}"; it sees {", ".join(MAY_SEE[room]) or "nothing but itself"}']


def library_errors(name: str, line: int, target: str) -> list[str]:
    """An include in angle brackets."""
    for pattern, rooms, _ in LIBRARIES:
        if pattern.fullmatch(target) and not any(name.startswith(room + "/") for room in rooms):
            return [f"{name}:{line}: only {' and '.join(rooms)} may include <{target}>"]
    return []


def crowd_errors(includes: list[tuple[str, int, str, str]]) -> list[str]:
    """A library that may have one file in a room has several."""
    errors = []
    for pattern, rooms, most in LIBRARIES:
        for room in rooms if most else ():
            users = sorted({name for name, _, _, target in includes if pattern.fullmatch(target) and name.startswith(room + "/")})
            if len(users) > most[room]:
                errors.append(f"{', '.join(users)}: only {most[room]} file(s) of {room} may include {pattern.pattern}")
    return errors


def check(root: pathlib.Path) -> list[str]:
    includes = []
    for path in tree.files(root, tree.PRODUCT):
        name = path.relative_to(root).as_posix()
        text = path.read_text(errors="replace")
        includes += [(name, tree.line_of(text, match.start()), match[1], match[2]) for match in INCLUDE.finditer(text)]
    errors = crowd_errors(includes)
    for name, line, mark, target in includes:
        if room_of(name) is None:
            errors.append(f"{name}:{line}: stands in no room of the house")
        elif mark == '"':
            errors += own_errors(name, line, target, root)
        else:
            errors += library_errors(name, line, target)
    return errors


def no_upward_include():
    """includes point one way, and each foreign library has its one place"""
    errors = check(pathlib.Path(__file__).resolve().parents[2])
    assert not errors, "\n".join(errors)


if __name__ == "__main__":
    sys.exit(tap.run([no_upward_include]))
