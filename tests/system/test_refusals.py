"""Whatever a device may not do is refused, with a word in the log that says why, while nobody else notices; and nobody, whatever
another plugin or file grants him, speaks to devices or sits down in another's session.
"""

import contextlib
import json
import subprocess
from typing import Callable, NamedTuple

import pytest

from harness.device import Device
from harness.mqtt import Refused
from harness.scenario import PRODUCT
from harness.wait import until
from sdk.connect import CONSTANT, c3, password
from test_triple import SECRET, SignedDevice

OLD, NEW = "1.0.0", "2.0.0"
REFUSED = 0x80
REPORT = json.dumps({"id": 1, "params": {"version": "6.6.6", "step": 100}})


class Rig(NamedTuple):
    broker: object
    operator: object
    alpha: SignedDevice  # does what it may not
    beta: SignedDevice   # stands by, and is upgraded meanwhile


def subscribe(rig, *filters):
    assert set(rig.alpha.client.subscribe(*filters)) == {REFUSED}


def publish(rig, topic, **more):
    rig.alpha.client.publish(topic, REPORT, 1, **more)


def login(device):
    with pytest.raises(Refused):
        device.connect()


def login_with_wrong_secret(rig):
    login(SignedDevice(rig.broker, "alpha", c3, "not its secret"))


def take_over(rig):
    """The client id is beta's, name, secret and signature are its own: nothing in the triple forbids that."""
    def sdk(name, secret):
        return rig.beta.client.client_id, password("sha256", secret, name, f"{PRODUCT}.beta", CONSTANT)

    login(SignedDevice(rig.broker, "alpha", sdk))


def leave_will(rig):
    dying = SignedDevice(rig.broker, "gamma", c3)
    dying.connect(will=(dying.topic("inform"), REPORT, 1, False))
    dying.drop()


def command(rig):
    body = {"commands": [{"command": "createProduct", "token": rig.operator.token, "productKey": "byDevice"}]}
    rig.alpha.client.publish("$CONTROL/ota/v1", json.dumps(body), 1)
    rig.alpha.client.fence()
    assert not rig.alpha.client.messages("$CONTROL/ota/v1/response")


class Case(NamedTuple):
    name: str
    why: str
    act: Callable


CASES = [
    Case("wrong secret", "password_wrong", login_with_wrong_secret),
    Case("takeover", "client_id_taken", take_over),
    Case("another's report", "not_own_topic", lambda rig: publish(rig, rig.beta.topic("inform"))),
    Case("another's offers", "not_own_topic", lambda rig: subscribe(rig, rig.beta.topic("upgrade"))),
    Case("an offer of its own making", "server_only", lambda rig: publish(rig, rig.alpha.topic("upgrade"))),
    Case("an offer to another", "not_own_topic", lambda rig: publish(rig, rig.beta.topic("upgrade"))),
    Case("wildcard", "wildcard", lambda rig: subscribe(rig, f"/ota/device/upgrade/{PRODUCT}/+", "/ota/device/#")),
    Case("shared subscription", "shared_subscription", lambda rig: subscribe(rig, f"$share/g/{rig.alpha.topic('upgrade')}")),
    Case("retain", "retain", lambda rig: publish(rig, rig.alpha.topic("inform"), retain=True)),
    Case("will", "will", leave_will),
    Case("$CONTROL", "not_for_devices", command),
    Case("$SYS", "not_for_devices", lambda rig: subscribe(rig, "$SYS/#")),
]


@pytest.fixture
def rig(new_broker):
    broker = new_broker(options={"device_auth": "triple"}).start()
    with broker.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT)
        operator.ask("importDevices", productKey=PRODUCT,
                     devices=[{"deviceName": name, "secret": SECRET} for name in ("alpha", "beta", "gamma")])
        with SignedDevice(broker, "alpha", c3) as alpha, SignedDevice(broker, "beta", c3) as beta:
            yield Rig(broker, operator, alpha, beta)


def lines_saying(broker, why):
    lines = broker.log_of_run().split("\n")
    return [line for line in lines if f"why={why}" in line and ("_refused" in line or "_denied" in line)]


def refuse(rig, case):
    before = len(lines_saying(rig.broker, case.why))
    case.act(rig)
    until(lambda: len(lines_saying(rig.broker, case.why)) > before, f"a line that says why={case.why} for {case.name}")
    rig.alpha.client.fence()  # its own connection is kept


def test_each_refusal_says_why_and_disturbs_nobody(rig):
    """beta is upgraded from end to end, and between its steps alpha does all that it may not."""
    steps = iter(CASES)
    rig.beta.inform(OLD)
    rig.operator.wait_version(PRODUCT, "beta", OLD)
    package = rig.operator.add_package(PRODUCT, NEW, b"image")
    batch = rig.operator.ask("createBatch", package=package["id"], kind="verify", targets={"names": ["beta"]},
                             strategy={"retries": 0})
    task = rig.operator.task_of(rig.operator.prepared(batch["id"])["id"], "beta")
    rig.beta.expect_push()
    for step in range(0, 100, 10):
        refuse(rig, next(steps))
        rig.beta.progress(step)
        rig.operator.wait_task(task["id"], state="upgrading", step=step)
    for case in steps:
        refuse(rig, case)
    rig.beta.progress(100).inform(NEW)
    rig.operator.wait_task(task["id"], state="succeeded")
    assert not rig.beta.client.messages(), "not one message but the offer"
    for name in ("alpha", "gamma"):
        assert rig.operator.ask("getDevice", productKey=PRODUCT, deviceName=name)["modules"] == []
    assert [each["productKey"] for each in rig.operator.pages("listProducts")] == [PRODUCT]


# Whoever granted it.

APP = ("app", "right")
DYNAMIC_SECURITY = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"
EVERYTHING = [{"acltype": kind, "topic": topic, "priority": 0, "allow": True}
              for kind in ("publishClientSend", "publishClientReceive", "subscribePattern", "unsubscribePattern")
              for topic in ("#", "$CONTROL/ota/v1/#", "/ota/#")]


def with_acl_file(broker):
    passwords, rights = broker.home / "passwords", broker.home / "acl"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), *APP], check=True)
    rights.write_text("user app\ntopic readwrite #\ntopic readwrite $CONTROL/#\n")
    for file in (passwords, rights):
        file.chmod(0o600)
    broker.config.set("allow_anonymous", "false").add("password_file", passwords)
    broker.config.add("acl_file", rights)
    return broker.start()


def with_dynamic_security(broker, first):
    state = broker.home / "dynamic-security.json"
    subprocess.run(["mosquitto_ctrl", "dynsec", "init", str(state), "admin", "secret"], check=True, stdout=subprocess.DEVNULL)
    lines = [("plugin", DYNAMIC_SECURITY), ("plugin_opt_config_file", str(state))]
    ours = next(index for index, line in enumerate(broker.config.lines) if line[0] == "plugin")
    at = ours if first else len(broker.config.lines)
    broker.config.lines[at:at] = lines
    broker.config.set("allow_anonymous", "false")
    broker.start()
    commands = [{"command": "createRole", "rolename": "all", "acls": EVERYTHING},
                {"command": "createClient", "username": APP[0], "password": APP[1], "roles": [{"rolename": "all"}]}]
    with broker.client("dynsec", "admin", "secret") as admin:
        admin.subscribe("$CONTROL/dynamic-security/v1/response")
        admin.publish("$CONTROL/dynamic-security/v1", json.dumps({"commands": commands}), 1)
        assert b'"error"' not in admin.expect("$CONTROL/dynamic-security/v1/response").payload
    return broker


GRANTS = {
    "acl_file": with_acl_file,
    "dynamic security behind": lambda broker: with_dynamic_security(broker, first=False),
    "dynamic security before": lambda broker: with_dynamic_security(broker, first=True),
    "allow": lambda broker: broker.start(),
}


@pytest.mark.parametrize("grant", GRANTS)
def test_nobody_else_offers_an_upgrade_whoever_granted_it(new_broker, grant):
    """The file or the plugin beside us goes on to decide about everybody else's topics, and devices work beside it."""
    broker = GRANTS[grant](new_broker(options={"others": "allow" if grant == "allow" else "defer"}))
    with broker.client("app", *APP) as app, Device(broker, PRODUCT, "alpha") as alpha:
        token = broker.admin_token()
        for members in ({"command": "createProduct", "productKey": PRODUCT},
                        {"command": "registerDevices", "productKey": PRODUCT, "names": ["alpha"]}):
            app.publish("$CONTROL/ota/v1", json.dumps({"commands": [{**members, "token": token}]}), 1)
            assert b'"data"' in app.expect("$CONTROL/ota/v1/response").payload
        alpha.subscribe()
        assert app.subscribe("/ota/device/inform/+/+", "weather")[0] in (0, 1)
        for retain in (False, True):
            app.publish(alpha.topic("upgrade"), '{"forged":1}', 1, retain=retain)
        app.publish(alpha.topic("inform"), REPORT, 1)
        app.publish("weather", "rain", 1)
        assert app.expect("weather").payload == b"rain"
        alpha.inform(OLD)
        assert OLD.encode() in app.expect(alpha.topic("inform")).payload
        alpha.client.fence()
        assert not alpha.client.messages()
        alpha.client.subscribe_again(alpha.topic("upgrade"))
        alpha.client.fence()
        assert not alpha.client.messages(), "nothing was retained"
        assert lines_saying(broker, "server_only") and lines_saying(broker, "not_own_topic")


# Sessions.

def stored(broker, name, **more):
    return broker.client("kept|securemode=3|", f"{name}&{PRODUCT}", "x", clean=False, **more)


def leave_session(broker, application):
    """alpha goes, and a message for it waits."""
    with stored(broker, "alpha") as alpha:
        alpha.subscribe("for/alpha", f"/ota/device/upgrade/{PRODUCT}/alpha")
    application.publish("for/alpha", "private", 1)


def test_stored_session_is_its_devices_alone(broker):
    with broker.client("application") as application:
        leave_session(broker, application)
    with pytest.raises(Refused):
        stored(broker, "beta").connect()
    broker.wait_log("why=client_id_taken")
    with stored(broker, "alpha") as alpha:
        assert alpha.session_present
        assert alpha.expect("for/alpha").payload == b"private"


def test_session_that_the_broker_restored_is_its_devices_alone(new_broker):
    """After a restart the plugin does not know of it before the broker hands it over; then who is not its device gets nothing."""
    broker = new_broker()
    broker.config.set("persistence", "true").set("persistence_location", f"{broker.home}/")
    broker.start()
    with broker.client("application") as application:
        leave_session(broker, application)
    broker.restart()
    thief = stored(broker, "beta")
    try:
        thief.connect()
        thief.wait_closed()
    except Refused:
        pass  # 2.1 tells beforehand
    assert not thief.messages()
    broker.wait_log("why=client_id_taken")
    with stored(broker, "alpha") as alpha:
        alpha.fence()
    with pytest.raises(Refused):
        stored(broker, "beta").connect()


def test_answer_in_an_operators_session_reaches_nobody_else(broker):
    operator = broker.client("desk", "somebody", "x", clean=False).connect()
    operator.subscribe("$CONTROL/ota/v1/response")
    command = {"command": "createToken", "name": "new", "role": "admin", "token": broker.admin_token()}
    operator.acknowledge = False  # the answer stays in the session
    operator.publish("$CONTROL/ota/v1", json.dumps({"commands": [command]}), 1)
    operator.expect("$CONTROL/ota/v1/response")
    operator.drop()
    stranger = broker.client("desk", "stranger", "x", clean=False)

    def connected():
        with contextlib.suppress(Refused):  # a moment long the id is nobody's
            return stranger.connect()

    until(connected, "the session to be opened by another")
    assert stranger.session_present
    stranger.fence()
    assert not stranger.messages()
    stranger.disconnect()
