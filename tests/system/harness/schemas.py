"""The project's JSON Schemas, applied to everything that passes through the harness."""

import json
from functools import lru_cache

import jsonschema

from . import places


class Mismatch(AssertionError):
    """A message does not follow its schema."""


@lru_cache(maxsize=None)
def documents():
    """Every schema by its name: "common", "device/push", "command/getServer", ..."""
    return {str(path.relative_to(places.SCHEMAS).with_suffix("")): json.loads(path.read_text())
            for path in sorted(places.SCHEMAS.rglob("*.json"))}


@lru_cache(maxsize=None)
def validator(reference):
    """For "device/push" or "command/createBatch#/$defs/request". The files name each other by relative paths."""
    name, _, fragment = reference.partition("#")
    if name not in documents():
        raise KeyError(f"no schema {name}")
    by_address = {_address(each): document for each, document in documents().items()}
    resolver = jsonschema.RefResolver(base_uri=_address(name), referrer=documents()[name], store=by_address)
    return jsonschema.Draft202012Validator({"$ref": f"{_address(name)}#{fragment}"}, resolver=resolver)


def _address(name):
    return (places.SCHEMAS / f"{name}.json").as_uri()


def errors(reference, value):
    """Sentences, empty when the value follows the schema."""
    found = sorted(validator(reference).iter_errors(value), key=lambda error: list(error.absolute_path))
    return [sentence for error in found for sentence in _sentences(error)]


def check(reference, value):
    found = errors(reference, value)
    if found:
        raise Mismatch(f"{reference}: " + "; ".join(found[:5]) + f" in {json.dumps(value)[:600]}")


def check_bytes(reference, payload):
    """Reads and checks a payload; returns its value. A duplicate key is an error: a schema cannot see it."""
    value = json.loads(payload.decode("utf-8"), object_pairs_hook=_no_doubles)
    check(reference, value)
    return value


def _no_doubles(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Mismatch(f"a key stands twice: {keys}")
    return dict(pairs)


def _sentences(error):
    where = "/".join(str(part) for part in error.absolute_path) or "(whole)"
    yield f"{where}: {error.message[:300]}"
    for inner in error.context or []:
        yield f"{where}: or {inner.message[:200]}"
