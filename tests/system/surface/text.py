"""JSON text with what json.dumps() cannot say: a member twice, bytes that are no UTF-8, raw control bytes."""

import json


class Raw(bytes):
    """Stands in the text as it is."""


class Pairs(list):
    """An object by its members, in order, doubles and all."""


def dump(value):
    """The bytes of a document."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, dict):
        return dump(Pairs(value.items()))
    if isinstance(value, Pairs):
        return b"{" + b",".join(json.dumps(key).encode() + b":" + dump(inner) for key, inner in value) + b"}"
    if isinstance(value, (list, tuple)):
        return b"[" + b",".join(map(dump, value)) + b"]"
    return json.dumps(value, ensure_ascii=False).encode()


def change(value, path, make):
    """A copy in which the members at `path` are what make(key, old) says, a list of (key, value); old is None if absent."""
    key, *rest = path
    if isinstance(key, int):
        return [change(inner, rest, make) if index == key else inner for index, inner in enumerate(value)]
    pairs = Pairs()
    found = False
    for name, inner in (value.items() if isinstance(value, dict) else value):
        if name != key:
            pairs.append((name, inner))
            continue
        found = True
        pairs += [(key, change(inner, rest, make))] if rest else make(key, inner)
    if not found:
        pairs += [(key, change({}, rest, make))] if rest else make(key, None)
    return pairs
