"""How each client reads a push. tests/unit/common/push_readers.h has the same three in C, for every kind of push; these are what
a scripted device goes by.
"""

import json
from typing import NamedTuple


class Unread(Exception):
    """The client drops the message and says nothing, or worse."""


class File(NamedTuple):
    size: int
    url: str
    method: str  # of hashlib
    digest: str


class Offer(NamedTuple):
    version: str
    files: list


def scan(text, key):
    """C 4.x: the first `"key"` at whatever depth, and `:` right behind it; no escapes, no white space."""
    head, found, rest = text.partition(f'"{key}"')
    if not found or not rest.startswith(":"):
        raise Unread(key)
    rest = rest[1:]
    if rest.startswith('"'):
        return rest[1:].partition('"')[0]
    if rest[0] in "{[":
        return rest[:_closing(rest)]
    return rest[:min(rest.find(end) for end in ",}]" if end in rest)]


def _closing(text):
    opening, closing, depth = text[0], "}" if text[0] == "{" else "]", 0
    for index, letter in enumerate(text):
        depth += (letter == opening) - (letter == closing)
        if not depth:
            return index + 1
    raise Unread("an end")


def c4(payload):
    data = scan(payload.decode(), "data")
    method = {"Md5": "md5", "SHA256": "sha256", "Sha256": "sha256"}.get(scan(data, "signMethod"))
    if not method:
        raise Unread("signMethod")
    version = scan(data, "version")
    if '"files"' not in data:
        return Offer(version, [File(int(scan(data, "size")), scan(data, "url"), method, scan(data, "sign"))])
    pieces = data[data.index('"files"'):].split("{")[1:]  # to the end of data, whatever stands there
    return Offer(version, [File(int(scan("{" + each, "fileSize")), scan("{" + each, "fileUrl"), method,
                                scan("{" + each, "fileSign")) for each in pieces])


def c3(payload):
    """A true reader, which wants these members and knows md5 alone."""
    value = json.loads(payload)
    if value.get("message") != "success":
        raise Unread("message")
    data = value["data"]
    if len(data["md5"]) != 32 or len(str(data["size"])) > 16 or len(data["version"]) > 32:
        raise Unread("a member that is too long")
    return Offer(data["version"], [File(data["size"], data["url"], "md5", data["md5"])])


def application(payload):
    """Where the npm packages leave it to the application: JSON.parse."""
    data = json.loads(payload)["data"]
    method = {"Md5": "md5", "SHA256": "sha256"}[data["signMethod"]]
    return Offer(data["version"], [File(data["size"], data["url"], method, data["sign"])])
