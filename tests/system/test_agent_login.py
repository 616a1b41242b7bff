"""ota-agent proves who it is: signed logins at a broker with the plugin, and at one that knows nothing of it."""

import subprocess

import pytest

from harness.agent import PROGRAM, Agent
from harness.scenario import PRODUCT
from harness.wait import until
from test_triple import password

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no agent at {PROGRAM}: build first")

NAME = "sensor-01"
SECRET, OTHER_SECRET = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


@pytest.fixture
def make_agent(tmp_path):
    made = []

    def make(port, secret=SECRET, **keys):
        made.append(Agent(tmp_path / "agent", port, product_key=PRODUCT, device_name=NAME, device_secret_file="secret", **keys))
        write_secret(made[-1], secret)
        return made[-1].provision()

    yield make
    for each in made:
        each.close()


def write_secret(agent, secret, mode=0o600):
    path = agent.home / "secret"
    path.touch(mode)
    path.write_text(secret + "\n")
    path.chmod(mode)


@pytest.fixture
def guarded(new_broker):
    return new_broker(options={"device_auth": "triple"}).start()


def test_signed_login_comes_in_and_a_mended_secret_needs_no_restart(guarded, make_agent):
    with guarded.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT)
        operator.ask("importDevices", productKey=PRODUCT, devices=[{"deviceName": NAME, "secret": SECRET}])
        agent = make_agent(guarded.port, OTHER_SECRET).start()
        agent.wait_log("refused")
        assert "why=password_wrong" in guarded.log_of_run()
        write_secret(agent, SECRET, mode=0o644)
        agent.wait_log("it must be its owner's alone (chmod 600)")
        write_secret(agent, SECRET)
        operator.wait_version(PRODUCT, NAME, "1.0.0")
        operator.ask("importDevices", productKey=PRODUCT, devices=[{"deviceName": NAME, "secret": OTHER_SECRET}])
        write_secret(agent, OTHER_SECRET)
        before = agent.log().count("connected ")
        guarded.restart()
        until(lambda: agent.log().count("connected ") > before, "the agent to come back with the new secret")
    assert SECRET not in agent.log() and OTHER_SECRET not in agent.log()


@pytest.mark.needs_no_plugin
def test_plain_server_that_knows_the_password_lets_it_in(new_broker, make_agent, tmp_path):
    """The signature is the one of the C SDKs, computed here by another hand."""
    broker = new_broker(plugin=False)
    signed = password("sha256", SECRET, NAME, f"{PRODUCT}.{NAME}", "2524608000000")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), f"{NAME}&{PRODUCT}", signed], check=True)
    broker.config.set("password_file", passwords).set("allow_anonymous", "false")
    broker.start()
    make_agent(broker.port).start().wait_log("connected ")


@pytest.mark.needs_no_plugin
def test_check_config_tells_how_it_proves_itself_and_what_is_wrong_with_the_secret(make_agent):
    agent = make_agent(1883)
    code, output = agent.call("--check-config")
    assert code == 0 and f"  proof      the secret in {agent.home}/secret; without TLS whoever listens" in output, output
    write_secret(agent, "two words")
    code, output = agent.call("--check-config")
    assert code == 2 and "device_secret_file: " in output and "one line of 1..64" in output and "two words" not in output, output
