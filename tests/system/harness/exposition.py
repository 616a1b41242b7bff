"""The Prometheus text format 0.0.4, read strictly, as its description says it:
prometheus.io/docs/instrumenting/exposition_formats.

Everything a lenient scraper forgives is an error here: a sample without its TYPE, a family in two places, a label twice, a
histogram whose buckets fall, a counter that is not called one.
"""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
VALUE = re.compile(r"[+-]?(Inf|NaN|[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)")
ESCAPES = {"\\": "\\", '"': '"', "n": "\n"}
TYPES = {"counter", "gauge", "histogram"}


def label_value(text, at):
    """From behind the opening quote -> (value, index behind the closing one)."""
    value = ""
    while text[at] != '"':
        if text[at] == "\\":
            value += ESCAPES[text[at + 1]]
            at += 2
        else:
            value += text[at]
            at += 1
    return value, at + 1


def labels_of(text):
    """`a="1",b="2"}` ... -> ({...}, rest behind the brace)."""
    labels, at = {}, 0
    while True:
        name = LABEL.match(text, at)
        assert name and text[name.end():name.end() + 2] == '="', text
        value, at = label_value(text, name.end() + 2)
        assert name[0] not in labels, f"{name[0]} twice: {text}"
        labels[name[0]] = value
        if text[at] == "}":
            return labels, text[at + 1:]
        assert text[at] == ",", text
        at += 1


def sample_of(line):
    name = NAME.match(line)
    assert name, line
    labels, rest = labels_of(line[name.end() + 1:]) if line[name.end():name.end() + 1] == "{" else ({}, line[name.end():])
    assert rest.startswith(" ") and VALUE.fullmatch(rest[1:]), line
    return name[0], labels, float(rest[1:])


class Family:
    def __init__(self, name, help_text, kind):
        assert kind in TYPES, kind
        assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
        self.name, self.help, self.kind, self.samples = name, help_text, kind, {}

    def add(self, name, labels, value):
        suffixes = ("_bucket", "_sum", "_count") if self.kind == "histogram" else ("",)
        assert name in [self.name + suffix for suffix in suffixes], f"{name} stands among {self.name}"
        key = (name, tuple(sorted(labels.items())))
        assert key not in self.samples, f"{key} twice"
        assert value >= 0 or self.kind == "gauge", key
        self.samples[key] = value

    def check(self):
        assert self.samples, f"{self.name} has no sample"
        if self.kind == "histogram":
            self.check_histogram()

    def check_histogram(self):
        series = {}
        for (name, labels), value in self.samples.items():
            if name.endswith("_bucket"):
                rest = tuple(pair for pair in labels if pair[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        for labels, buckets in series.items():
            assert buckets == sorted(buckets), f"{self.name}: bounds fall"
            assert [value for _, value in buckets] == sorted(value for _, value in buckets), f"{self.name}: buckets fall"
            assert buckets[-1][0] == math.inf, f"{self.name} has no +Inf"
            assert buckets[-1][1] == self.samples[(self.name + "_count", labels)], f"{self.name}: +Inf is not the count"
            assert (self.name + "_sum", labels) in self.samples


def comment_of(line):
    parts = line.split(" ", 3)
    assert len(parts) == 4 and parts[0] == "#" and parts[1] in ("HELP", "TYPE") and NAME.fullmatch(parts[2]), line
    return parts[1:]


def parse(text):
    """-> {name: Family}; AssertionError for whatever the format does not allow."""
    assert text.endswith("\n") and "\r" not in text, "lines end with a line feed, also the last"
    families, helps, current = {}, {}, None
    for line in text[:-1].split("\n"):
        assert line, "an empty line"
        if not line.startswith("#"):
            name, labels, value = sample_of(line)
            assert current, f"{line} before any TYPE"
            current.add(name, labels, value)
            continue
        word, name, rest = comment_of(line)
        if word == "HELP":
            assert name not in helps and rest, line
            helps[name] = rest
        else:
            assert name not in families, f"{name} in two places"
            current = families[name] = Family(name, helps[name], rest)
    for family in families.values():
        family.check()
    return families


def value(families, name, **labels):
    """One sample; a histogram's by its full name, "x_seconds_count"."""
    key = (name, tuple(sorted(labels.items())))
    for family in families.values():
        if key in family.samples:
            return family.samples[key]
    raise AssertionError(f"no sample {key}")
