"""ota-agent's command line, configuration, and exit codes."""

import subprocess

import pytest

from agent_fixtures import agent, make_agent, plain_broker, pytestmark, server  # noqa: F401
from harness.agent import PROGRAM


def call(*arguments):
    done = subprocess.run([str(PROGRAM), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=15,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def test_help_and_version():
    code, out, _ = call("--help")
    assert code == 0 and "--provision IMAGE" in out and "Exit codes" in out
    assert call("--version") == (0, "ota-agent 0.1.0\n", "")


@pytest.mark.parametrize("arguments, sentence", [
    ((), "--config is missing"),
    (("--config",), "requires an argument"),
    (("--frobnicate",), "unrecognized option"),
    (("--config", "x", "y"), "there is an argument too many"),
    (("--config", "x", "--provision", "y"), "--provision needs --version VERSION"),
])
def test_a_wrong_command_line_ends_with_2(arguments, sentence):
    code, _, err = call(*arguments)
    assert code == 2 and sentence in err


@pytest.mark.parametrize("change, sentence", [
    ({"brokr": "x"}, "did you mean \"broker\""),
    ({"broker": None}, "broker"),
    ({"keepalive": "5s"}, "must be from 30s to 20m"),
    ({"restart": "reboot"}, "restart must be reexec, exit, or hook: and an absolute path"),
    ({"log_level": "loud"}, "must be one of debug, info, warning, error"),
])
def test_a_wrong_configuration_ends_with_2_and_says_where(make_agent, change, sentence):
    agent = make_agent(**change)
    code, output = agent.call("--check-config")
    assert code == 2 and "agent.conf" in output and sentence in output, output


@pytest.mark.parametrize("keys, sentence", [
    ({"installer": "file"}, "[module default]: installer = file needs slots_dir"),
    ({"installer": "exec"}, "[module default]: installer = exec needs command"),
    ({"installer": "exec", "command": "/x", "check": "/y"}, "slots_dir and check belong to installer = file"),
    ({"slots_dir": "slots"}, "installer"),
])
def test_a_module_says_what_it_needs(make_agent, keys, sentence):
    agent = make_agent()
    agent.modules["default"] = keys
    code, output = agent.call("--check-config")
    assert code == 2 and sentence in output, output


def test_a_right_configuration_is_told(make_agent):
    code, output = make_agent().call("--check-config")
    assert code == 0 and output.endswith("agent.conf is right\n")


@pytest.mark.parametrize("change, sentence", [
    ({"broker": "tcp://host:1883"}, "mqtt://host:port"),
    ({"product_key": "a b"}, "product_key must be"),
    ({"device_name": "a/b"}, "device_name must be"),
    ({"ca_file": "nowhere.pem"}, "cannot be read"),
])
def test_values_nobody_can_use_stop_the_start(make_agent, change, sentence):
    code, output = make_agent(**change).provision().call()
    assert code == 2 and sentence in output, output


def test_provision_happens_once(make_agent):
    agent = make_agent().provision()
    code, output = agent.call("--provision", agent.home / "factory.bin", "--version=1.0.1")
    assert code == 1 and "has a current slot already" in output
    code, output = agent.call("--provision", agent.home / "factory.bin", "--version", "1.0.1", "--module", "radio")
    assert code == 2 and "there is no [module radio]" in output


def test_two_agents_do_not_share_a_state(agent, server):
    agent.start()
    server.expect_inform()
    code, output = agent.call()
    assert code == 1 and f"is in use by process {agent.process.pid}" in output


def test_a_broker_that_is_not_there_is_waited_for(agent, plain_broker, server):
    plain_broker.kill()
    agent.start()
    agent.wait_log("not_connected")
    plain_broker.start()
    server.reconnect(plain_broker)
    server.expect_inform(version="1.0.0")
