"""What devices may send, good and bad, as tests/surface/messages.c has it; what they may be sent: tests/surface/pushes.c."""

import base64
from typing import NamedTuple, Optional

from .tables import tables

VERBS = {"inform": "/inform/", "upgrade": "/upgrade/", "progress": "/progress/", "request": "/request/", "get": "/firmware/get"}


class Row(NamedTuple):
    number: int
    verb: str
    field: str
    what: str
    payload: bytes
    effect: Optional[str]  # None: as if nothing had come
    line: Optional[str]  # words of the line in the log

    def __str__(self):
        return f"{self.verb}: {self.field} {self.what}"


def _bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rows(table="messages"):
    made = []
    for number, row in enumerate(tables()[table]):
        verb = next(name for name, words in VERBS.items() if words in row["topic"])
        made.append(Row(number, verb, row["field"], row["what"], _bytes_of(row["payload"]), row.get("effect"), row.get("line")))
    return made
