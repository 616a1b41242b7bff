"""Random requests: mostly good, each bad in its own way. From the rows of the tables, a small world's names, and noise in the
bytes.
"""

import json
import string

from . import fields, tables
from .text import Pairs, Raw, dump

STRANGE = ["", " ", "null", "é", "\U0001f600", "‮", "﻿", "a" * 300, "%s%n", "../../etc/passwd", "' OR 1=1 --", "{}", '"', "\\",
           "\x7f", "\u0085", "0", "-1", "1e9", "9007199254740992", "ota_", "a\nb", "$CONTROL", "+", "#"]
NUMBERS = [0, -1, 1, 1.5, 1e300, -1e300, 2**31, 2**32, 2**53 - 1, 2**53, -(2**53), 1e-300, -0.0]
BYTES = [b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b"\\x", b"{", b"}", b"[", b"]",
         b'"', b",", b":", b"1e999", b"\x1b", b"\r\n", b"/*", b"NaN"]
UNKNOWN_TOKEN = "ota_" + "E" * 43


class World:
    """Names that requests and messages share, so that commands meet things that exist."""

    products = ["PK", "a1", "b2", "Z" * 32]
    devices = [f"d{number}" for number in range(24)] + ["a" * 64, "x.y:z@w_-"]
    versions = ["1.0.0", "2.0.0", "3.0.0", "1.0 beta", "v" * 64]
    modules = ["default", "mcu", "resource"]
    names = ["spring", "", "é" * 64, "one"]
    ids = list(range(1, 40))

    def __init__(self, artifacts=()):
        """artifacts: (size, sha256, md5) of files that exist."""
        self.artifacts = list(artifacts) or [(1, "0" * 64, "0" * 32)]


class Maker:
    """Requests of one random sequence."""

    def __init__(self, random, world, token):
        self.random, self.world, self.token = random, world, token
        self.commands = list(tables.commands().values())

    def one_of(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def good(self, row):
        """A value of the row that may be right."""
        pools = {"productKey": self.world.products, "deviceName": self.world.devices, "version": self.world.versions,
                 "module": self.world.modules, "name": self.world.names}
        if row["name"] in pools:
            return self.one_of(pools[row["name"]])
        if row.get("choices"):
            return self.one_of(row["choices"])
        return getattr(self, "good_" + row["type"])(row)

    def good_text(self, row):
        artifact = self.one_of(self.world.artifacts)
        if row["name"] in ("sha256", "md5"):
            return artifact[1 if row["name"] == "sha256" else 2]
        return "".join(self.random.choices(string.ascii_lowercase, k=self.random.randint(1, min(row["high"], 12))))

    def good_integer(self, row):
        if row["name"] == "size":
            return self.one_of(self.world.artifacts)[0]
        return self.random.randint(row["low"], min(row["high"], 40))

    def good_bool(self, _):
        return self.chance(0.5)

    def good_duration(self, row):
        return fields.duration(self.random.randint(row["low"], max(row["low"], min(row["high"], 3600000)) ))

    def good_names(self, _):
        return self.random.sample(self.world.devices, self.random.randint(1, 5))

    def good_objects(self, row):
        return [{each["name"]: self.value(each) for each in row["members"] if each["required"] or self.chance(0.4)}
                for _ in range(self.random.randint(1, 3))]

    def good_object(self, row):
        if not row.get("members"):
            return {self.one_of(["info", "note", "a"]): self.one_of(["x", "Double 11"])}
        if row["name"] == "targets":
            return {"all": True} if self.chance(0.5) else {"names": self.good_names(row)}
        return {member["name"]: self.value(member) for member in row["members"] if self.chance(0.4)}

    def edge(self, row):
        """What the row's own cases give it."""
        if row["type"] in ("names", "objects"):
            return ["a"] * self.random.randint(0, 3)
        return self.one_of(list(fields.BY_TYPE[row["type"]](row, "")))[1]

    def wild(self, depth=0):
        """Any JSON."""
        kind = self.random.randrange(7 if depth < 4 else 4)
        if kind == 5:
            return [self.wild(depth + 1) for _ in range(self.random.randrange(4))]
        if kind == 6:
            return {self.one_of(STRANGE): self.wild(depth + 1) for _ in range(self.random.randrange(4))}
        return [self.one_of(STRANGE), self.one_of(NUMBERS), self.chance(0.5), None, self.one_of(self.world.ids)][kind % 5]

    def value(self, row):
        dice = self.random.random()
        if dice < 0.95:
            return self.good(row)
        return self.edge(row) if dice < 0.98 else self.wild()

    def members(self, command, token):
        """Of one command, as pairs: some missing, seldom one too many or twice."""
        pairs = Pairs()
        for row in command["parameters"] + [row for row in command["common"] if row["name"] in ("requestId", "reason")]:
            if self.chance(0.98 if row["required"] else 0.35):
                pairs.append((row["name"], self.value(row)))
        if token:
            pairs.append(("token", self.one_of(["", "x", UNKNOWN_TOKEN]) if self.chance(0.03) else token))
        if pairs and self.chance(0.02):
            pairs.append(self.one_of(pairs))
        if self.chance(0.02):
            pairs.append((self.one_of(STRANGE + ["productkey", "Batch", "state"]), self.wild()))
        self.random.shuffle(pairs)
        return pairs

    def noisy(self, text):
        """Bytes flipped, cut, doubled, or put in; seldom."""
        text = bytearray(text)
        while text and self.chance(0.5):
            at = self.random.randrange(len(text))
            kind = self.random.randrange(5)
            if kind == 0:
                text[at] ^= 1 << self.random.randrange(8)
            elif kind == 1:
                del text[at:at + self.random.randrange(1, 9)]
            elif kind == 2:
                text[at:at] = self.one_of(BYTES)
            elif kind == 3:
                text[at:at] = text[at:at + self.random.randrange(1, 40)]
            else:
                del text[at:]
        return bytes(text)

    def body(self):
        """(command, members as text) of one command, without its name and token: what a POST carries."""
        command = self.one_of(self.commands)
        text = dump(self.members(command, None))
        return command, self.noisy(text) if self.chance(0.1) else text

    def request(self):
        """A whole request to the control topic."""
        objects = []
        for _ in range(1 if self.chance(0.9) else self.random.randint(0, 5)):
            command = self.one_of(self.commands)
            pairs = self.members(command, self.token)
            pairs.insert(self.random.randrange(len(pairs) + 1), ("command",
                                                                 command["name"] if self.chance(0.98) else self.wild()))
            objects.append(Raw(dump(pairs)) if self.chance(0.99) else self.wild())
        text = dump({"commands": objects} if self.chance(0.98) else self.wild())
        return self.noisy(text) if self.chance(0.1) else text

    def topic(self):
        verb = self.one_of(["inform", "progress", "request"]) if self.chance(0.95) else self.one_of(STRANGE)
        product, device = self.one_of(self.world.products), self.one_of(self.world.devices)
        if self.chance(0.1):
            return f"/sys/{product}/{device}/thing/ota/firmware/get"
        return f"/ota/device/{verb}/{product}/{device}"

    def message(self):
        """(topic, payload) of a device."""
        topic = self.topic()
        params = {"version": self.one_of(self.world.versions)}
        if "progress" in topic:
            params = {"step": self.one_of(["-4", "-1", "0", 1, "50", "99", "100", 101, "x"]), "desc": self.one_of(STRANGE)}
        if self.chance(0.3):
            params["module"] = self.one_of(self.world.modules)
        for key in ("agent", "caps", "batch", "attempt", "bootId", "cancel", "strange"):
            if self.chance(0.05):
                params[key] = self.wild()
        if self.chance(0.1):
            params[self.one_of(list(params))] = self.wild()
        body = Pairs([("id", self.one_of(["1", 1, None, self.wild()])), ("params", params)])
        if self.chance(0.05):
            body.append(self.one_of(body))
        text = dump(body)
        return topic, self.noisy(text) if self.chance(0.15) else text


def text_of(value):
    """For a report: what was sent, readable."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else json.dumps(value, ensure_ascii=True)
