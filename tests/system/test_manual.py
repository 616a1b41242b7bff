"""The man pages say what the programs take: their prose is written, their options and keys come from the tables."""

import re
import subprocess
from pathlib import Path

import pytest

from harness import places

pytestmark = pytest.mark.needs_no_plugin

PROSE = Path(__file__).resolve().parents[2] / "docs/man"
PAGES = sorted(path.name.removesuffix(".scd") for path in PROSE.glob("*.scd"))
GATEWAY = places.BUILD / "gateway/ota-gateway"
AGENT = places.BUILD / "agent/ota-agent"
OTACTL = places.BUILD / "ctl/otactl"
STRANGERS = {"mosquitto(8)", "mosquitto.conf(5)", "bash(1)", "zsh(1)", "fish(1)", "systemd(1)"}


def page(name):
    """The built page, without roff's own words."""
    text = (places.BUILD / "docs" / name).read_text()
    return re.sub(r"\\f[BIR]", "", text).replace("\\-", "-").replace("\\&", "").replace("\\(ti", "~")


def said(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout


def options(help_text):
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_text, re.MULTILINE))


@pytest.mark.parametrize("name, program", [("ota-gateway.8", GATEWAY), ("ota-agent.8", AGENT)])
def test_page_of_a_program_has_the_options_of_its_help(name, program):
    assert len(options(said(program, "--help"))) >= 5
    assert options(said(program, "--help")) <= set(re.findall(r"--[a-z-]+", page(name)))


def test_page_of_the_settings_has_the_keys_of_the_help():
    keys = re.findall(r"^  (\w+) {2,}", said(GATEWAY, "--help").split("Settings")[1], re.MULTILINE)
    assert len(keys) > 10
    assert set(keys) <= set(re.findall(r"^(\w+)(?: \(required\))?$", page("ota-gateway.conf.5"), re.MULTILINE))


def test_page_of_the_agent_has_every_key_of_the_example():
    example = (PROSE.parents[1] / "examples/agent.conf").read_text()
    keys = set(re.findall(r"^#?(\w+) =", example, re.MULTILINE))
    assert len(keys) > 15
    assert keys <= set(re.findall(r"^(\w+)(?: \(required\))?$", page("ota-agent.conf.5"), re.MULTILINE))


def test_page_of_the_agent_tells_defaults_as_the_example_does():
    """The example shows each key that may be left out, behind a #, with what is true then."""
    text = page("ota-agent.conf.5")
    for key, default in (("keepalive", "1m"), ("download_tries", "8"), ("download_deadline", "1h"), ("restart", "reexec"),
                         ("mqtt_version", "3.1.1"), ("url_schemes", "https"), ("log_level", "info"), ("timeout", "5m")):
        assert re.search(rf"^{key}\n(?:(?!\.RE).*\n)*.*default {re.escape(default)}\)", text, re.MULTILINE), key


def test_page_of_the_plugin_has_every_option_of_the_example():
    example = (PROSE.parents[1] / "examples/mosquitto.conf").read_text()
    names = set(re.findall(r"^#?(plugin_opt_\w+)", example, re.MULTILINE))
    assert len(names) > 4
    assert names <= set(re.findall(r"^(\w+)(?: \(required\))?$", page("mosquitto_ota.7"), re.MULTILINE))


def test_page_of_otactl_has_every_verb_with_its_options():
    text = page("otactl.1")
    listed = said(OTACTL, "--help").split("Options of")[0]
    verbs = re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?: [A-Z[][^ ]*)* {2,}", listed, re.MULTILINE)
    assert len(verbs) > 20
    common = options(said(OTACTL, "server", "status", "--help"))
    for verb in verbs:
        assert re.search(rf"^{verb}( .*)?$", text, re.MULTILINE), verb
        for option in options(said(OTACTL, *verb.split(), "--help")) - common:
            assert option in text, f"{verb} {option}"


@pytest.mark.parametrize("name", PAGES)
def test_page_names_only_pages_that_exist(name):
    named = set(re.findall(r"\*([\w.-]+)\*(\(\d\))", (PROSE / f"{name}.scd").read_text()))
    ours = {f"{each.rpartition('.')[0]}({each[-1]})" for each in PAGES}
    assert {"".join(each) for each in named} <= ours | STRANGERS


@pytest.mark.parametrize("name", PAGES)
def test_literal_lines_fit_a_terminal_of_80_columns(name):
    blocks = re.findall(r"^```\n(.*?)^```", (PROSE / f"{name}.scd").read_text(), re.MULTILINE | re.DOTALL)
    assert [line for block in blocks for line in block.splitlines() if len(line) > 68] == []
