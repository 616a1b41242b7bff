"""Completion in the shells that people use: a real bash, as it calls a completion; zsh and fish where they are."""

import os
import shutil
import subprocess

import pytest

from gateway_rig.fixtures import bench, fake_broker, gateway, otactl, plugin  # noqa: F401
from harness import places

pytestmark = pytest.mark.needs_no_plugin

SCRIPTS = places.ROOT / "ctl/completion"
ROOMS = {"otactl": "ctl", "ota-agent": "agent", "ota-gateway": "gateway"}
PROGRAMS = {name: places.BUILD / room / name for name, room in ROOMS.items()}
BASH = r"""
source "$SCRIPT"
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"$FUNCTION" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def environment(tmp_path):
    """The built programs on PATH, and a directory with two files."""
    (tmp_path / "bin").mkdir()
    for name, path in PROGRAMS.items():
        (tmp_path / "bin" / name).symlink_to(path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here/fw.bin").touch()
    (tmp_path / "here/fx.bin").touch()
    return {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8",
            "HERE": str(tmp_path / "here")}


def bash(environment, *words):
    """What bash offers behind these words, the last one being typed."""
    own = words[0] == "otactl"
    result = subprocess.run(["bash", "--noprofile", "--norc", "-c", BASH, "bash", *words], capture_output=True, text=True,
                            check=True, cwd=environment["HERE"],
                            env={**environment, "SCRIPT": str(SCRIPTS / ("otactl.bash" if own else "ota-programs.bash")),
                                 "FUNCTION": "_otactl" if own else "_ota_programs"})
    assert result.stderr == ""
    return result.stdout.split()


@pytest.mark.parametrize("words, offered", [
    (["ba"], ["batch"]),
    (["batch", "pa"], ["pause"]),
    (["batch", "create", "--dry"], ["--dry-run"]),
    (["batch", "create", "--kind", ""], ["verify", "static", "dynamic"]),
    (["batch", "create", "--kind", "=", "st"], ["static"]),
    (["batch", "tasks", "7", "--state", "f"], ["failed"]),
    (["token", "add", "ann", "--role", ""], ["viewer", "operator", "admin"]),
    (["-o", "js"], ["json", "jsonl"]),
    (["package", "add", "fw"], ["fw.bin"]),
    (["nothing", ""], []),
])
def test_bash_is_offered_what_otactl_knows(environment, words, offered):
    assert bash(environment, "otactl", *words) == offered


def test_bash_is_offered_what_the_server_knows(environment, gateway, plugin, otactl):  # noqa: F811
    plugin.answers["listBatches"] = {"items": [{"id": 7, "state": "running"}, {"id": 8, "state": "planned"}]}
    plugin.answers["listDevices"] = {"items": [{"deviceName": "a:1"}, {"deviceName": "a:2"}]}
    environment |= {"OTA_URL": gateway.url, "OTA_TOKEN": otactl.environment["OTA_TOKEN"]}
    assert bash(environment, "otactl", "batch", "watch", "") == ["7", "8"]
    assert bash(environment, "otactl", "device", "show", "pk1", "a", ":", "") == ["1", "2"]  # bash breaks words at a colon


@pytest.mark.parametrize("program", ["ota-agent", "ota-gateway"])
def test_bash_is_offered_the_options_of_the_daemons(environment, program):
    assert bash(environment, program, "--check") == ["--check-config"]
    assert bash(environment, program, "--config", "f") == ["fw.bin", "fx.bin"]


@pytest.mark.parametrize("shell, script", [("zsh", "_otactl"), ("zsh", "_ota-programs"), ("fish", "otactl.fish"),
                                           ("fish", "ota-programs.fish")])
def test_the_other_shells_can_read_theirs(shell, script):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is missing")
    subprocess.run([shell, "-n", SCRIPTS / script], check=True)


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is missing")
def test_fish_is_offered_the_same(environment):
    def offered(line):
        command = f"source {SCRIPTS}/otactl.fish; complete -C '{line}'"
        said = subprocess.run(["fish", "--no-config", "-c", command], capture_output=True, text=True, check=True, env=environment,
                              cwd=environment["HERE"]).stdout
        return [each.split("\t")[0] for each in said.splitlines()]
    assert offered("otactl batch pa") == ["pause"]
    assert offered("otactl batch create --kind ") == ["dynamic", "static", "verify"]
    assert offered("otactl package add fw") == ["fw.bin"]
