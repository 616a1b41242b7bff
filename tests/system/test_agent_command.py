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
    ((), "--config FILE is missing"),
    (("--config",), "--config needs a value: FILE"),
    (("--frobnicate",), "there is no option --frobnicate; see ota-agent --help"),
    (("--config", "x", "y"), "\"y\" is one word too many"),
    (("--config", "x", "--provision", "y"), "--provision needs --version VERSION"),
    (("--config", "x", "--once", "--check-config"), "--once goes with no other task"),
    (("--config", "x", "--timeout", "5s"), "--settle and --timeout go with --once"),
    (("--config", "x", "--once", "--settle", "soon"), "--settle is \"soon\"; allowed: a duration"),
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


def test_a_right_configuration_is_told_with_its_meaning(make_agent):
    agent = make_agent(proxy="http://ada:secret@127.0.0.1:3128", no_proxy="localhost", max_speed="1M", mqtt_version="5")
    agent.modules["mcu"] = {"installer": "exec", "command": agent.hook("mcu", 'echo "error no answer on the bus"; exit 1')}
    code, output = agent.provision().call("--check-config")
    assert code == 0 and output.split("\n") == [
        f"{agent.home}/agent.conf is right:",
        "  device     dev1 of product pk1",
        f"  broker     {agent.keys['broker']}, MQTT 5",
        "  proof      none: no device_secret_file",
        "  trust      the system's certificates",
        "  shows      no client certificate",
        "  proxy      http://(user)@127.0.0.1:3128, but not for localhost",
        f"  downloads  http https from any host, into {agent.state}, at most 1048576 bytes a second",
        "  restart    reexec",
        f"  module     default: installer file, {agent.slots}; runs 1.0.0",
        f"  module     mcu: installer exec, {agent.home}/mcu; it is unknown what runs: no answer on the bus",
        "",
    ]


def test_check_config_names_every_problem(make_agent):
    agent = make_agent(keepalive="5s", brokr="x", product_key=None)
    agent.modules["mcu"] = {"slots_dir": "x"}
    code, output = agent.call("--check-config")
    assert code == 2
    for sentence in ("keepalive: ", "did you mean \"broker\"", "product_key: is missing", "installer: is missing"):
        assert sentence in output, output
    assert output.count("ota-agent: ") == 4


def test_check_config_names_every_value_nobody_can_use(make_agent):
    agent = make_agent(broker="tcp://h", device_name="a/b", restart="hook:/nowhere/restart", max_speed="1k", min_speed="2k")
    agent.modules["mcu"] = {"installer": "exec", "command": "/nowhere/install"}
    code, output = agent.call("--check-config")
    assert code == 2
    for sentence in ("device_name must be", "mqtt://host:port", "[module mcu]: command: cannot run /nowhere/install: there is no",
                     "restart hook: cannot run /nowhere/restart: there is no"):
        assert sentence in output, output


def test_check_config_of_no_file(tmp_path):
    code, out, err = call("--config", str(tmp_path / "none"), "--check-config")
    assert (code, out) == (2, "") and "No such file" in err


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
