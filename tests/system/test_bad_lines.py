"""Bad input on command lines: every verb and option of otactl, every flag of agent and gateway, unknown, misspelt, doubled,
without its value, at its limits and beyond, in another encoding; made of the tables the programs read them with
(surface/lines.py). Each is told in one sentence on standard error that names the option or argument, with exit code 2 and nothing
on standard output, and nobody is asked.
"""

import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import places
from surface import lines
from surface.tables import tables

pytestmark = pytest.mark.needs_no_plugin

PROGRAMS = {"otactl": places.BUILD / "ctl/otactl", "ota-agent": places.BUILD / "agent/ota-agent",
            "ota-gateway": places.BUILD / "gateway/ota-gateway"}
TITLES = {" ".join(lines.name_of(verb)): verb for verb in lines.verbs()}


@pytest.fixture(scope="module")
def nobody():
    """A gateway's address where a call is noticed, and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def run(program, words, environment):
    done = subprocess.run([PROGRAMS[program], *words], capture_output=True, timeout=20, env=environment, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def problem(program, line, environment):
    """What is wrong with what the program said; None if nothing is."""
    code, out, err = run(program, line.words, environment)
    silent = [word for word in line.told if word not in err]
    if code == 2 and not out and not silent and err.count("\n") == 1 and err.startswith(f"{program}: "):
        return None
    return f"{line}: exit code {code}, out {out[:80]!r}, {silent} not in: {err}"


def judge(program, all_lines, environment):
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = [each for each in threads.map(lambda line: problem(program, line, environment), all_lines) if each]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("title", TITLES)
def test_verb(tmp_path, nobody, title):
    url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    environment = {"HOME": str(tmp_path), "OTA_URL": url, "OTA_TOKEN": "ota_" + "A" * 43}
    judge("otactl", list(lines.verb_lines(TITLES[title])), environment)
    with pytest.raises(BlockingIOError):
        nobody.accept()


@pytest.mark.parametrize("title", TITLES)
def test_help_of_a_verb_is_an_answer(tmp_path, title):
    for words in ((*title.split(), "--help"), ("--no-headers", *title.split(), "-h"), (*title.split(), "--help", "x", "y", "z")):
        code, out, err = run("otactl", words, {"HOME": str(tmp_path)})
        assert (code, err) == (0, "") and out.startswith(f"Usage: otactl {title}"), f"{words}: {code} {err}"
        assert all(f"--{option['name']}" in out for option in lines.options_of(TITLES[title]))


@pytest.mark.parametrize("program", ["ota-agent", "ota-gateway"])
def test_flags(tmp_path, program):
    flags = tables()["flags"][program]
    judge(program, [*lines.flag_lines(flags, (), ()),
                    lines.Line("nothing", (), ("--config FILE is missing",)),
                    lines.Line("an argument too many", ("--config", "x", "extra"), ('"extra" is one word too many',)),
                    lines.Line("a shortened name", ("--conf", "x"), ("did you mean --config?",)),
                    lines.Line("another encoding", (b"--config\xff",), ("did you mean --config?",))],
          {"HOME": str(tmp_path)})
    for words in (("--help",), ("--version",), ("--config", "/nowhere", "--help")):
        code, out, err = run(program, words, {"HOME": str(tmp_path)})
        assert (code, err) == (0, "") and program in out, f"{words}: {code} {err}"


def test_words_that_are_no_verb(tmp_path):
    told = {("",): 'there is no noun ""', ("prodct", "list"): 'did you mean "product"?', ("product",): "what to do with it?",
            ("product", ""): 'there is no verb ""', (b"\xff", "list"): 'there is no noun "?"', ("help", "x"): 'there is no "x"',
            ("product", "list", "--output="): "--output is", ("product", "list", "--limit=0"): "--limit is"}
    environment = {"HOME": str(tmp_path), "OTA_TOKEN": "ota_" + "A" * 43}
    judge("otactl", [lines.Line("no verb", words, (sentence,)) for words, sentence in told.items()], environment)
