"""Who may do what: devices touch their own topics only, nobody but the plugin speaks to devices, a doubtful configuration does
not start.
"""

import json
import subprocess
from pathlib import Path

import pytest

from harness.device import Device
from harness.mqtt import Closed, Refused
from harness.scenario import PRODUCT
from harness.wait import until

OLD, NEW = "1.0.0", "2.0.0"
REFUSED = 0x80


def version(operator, name):
    return operator.version_in(operator.ask("getDevice", productKey=PRODUCT, deviceName=name))


@pytest.fixture
def pair(make_scenario):
    """Two devices that have informed."""
    scenario = make_scenario("alpha", "beta")
    return scenario.device("alpha", version=OLD), scenario.device("beta", version=OLD)


def test_device_subscribes_its_own_topics_only(pair):
    alpha, beta = pair
    own = [alpha.topic("upgrade"), alpha.topic("request"), alpha.topic("cancel"), alpha.sys_topic("ota/firmware/get_reply")]
    assert REFUSED not in alpha.client.subscribe(*own)
    foreign = [beta.topic("upgrade"), beta.topic("inform"), beta.topic("request"), beta.sys_topic("ota/firmware/get_reply"),
               f"/ota/device/upgrade/{PRODUCT}/+", "/ota/device/upgrade/+/alpha", f"/ota/device/+/{PRODUCT}/alpha",
               "/ota/device/#", "/ota/#", "$CONTROL/#", "$CONTROL/ota/v1/response"]
    refused = dict(zip(foreign, alpha.client.subscribe(*foreign)))
    assert {topic: code for topic, code in refused.items() if code != REFUSED and not topic.startswith("/ota/#")} == {}


def test_wide_subscription_of_a_device_shows_nothing_of_others(operator, pair):
    alpha, beta = pair
    alpha.client.subscribe("#", "/ota/#", "+/ota/#")
    beta.inform("1.1.0").progress(5)
    operator.wait_version(PRODUCT, "beta", "1.1.0")
    alpha.client.fence()
    assert not alpha.client.messages()


@pytest.mark.parametrize("verb", ["inform", "progress"])
def test_report_in_the_name_of_another_device_has_no_effect(operator, pair, verb):
    alpha, beta = pair
    alpha.client.publish(beta.topic(verb), json.dumps({"id": 1, "params": {"version": "6.6.6", "step": 100}}), 1)
    alpha.inform("1.1.0")
    operator.wait_version(PRODUCT, "alpha", "1.1.0")
    assert version(operator, "beta") == OLD


def test_stranger_cannot_report_for_a_device(broker, operator, pair):
    alpha, _ = pair
    with broker.client("stranger") as stranger:
        stranger.publish(alpha.topic("inform"), json.dumps({"id": 1, "params": {"version": "6.6.6"}}), 1)
    alpha.inform("1.1.0")
    operator.wait_version(PRODUCT, "alpha", "1.1.0")
    assert not [each for each in operator.events(productKey=PRODUCT, deviceName="alpha") if "6.6.6" in each["detail"]]


@pytest.mark.parametrize("who", ["itself", "another device", "a stranger"])
def test_nobody_publishes_on_a_topic_that_goes_to_a_device(broker, pair, who):
    alpha, beta = pair
    down = [alpha.topic("upgrade"), alpha.topic("cancel"), alpha.sys_topic("ota/firmware/get_reply"),
            alpha.sys_topic("file/download_reply")]
    alpha.client.subscribe(*down)
    stranger = broker.client("stranger").connect()
    sender = {"itself": alpha.client, "another device": beta.client, "a stranger": stranger}[who]
    for topic in down:
        sender.publish(topic, '{"forged":1}', 1)
        sender.publish(topic, '{"forged":1}', 1, retain=True)
    sender.fence()
    alpha.client.fence()
    assert not alpha.client.messages()
    alpha.client.subscribe_again(*down)  # nothing was retained either
    alpha.client.fence()
    assert not alpha.client.messages()
    stranger.disconnect()


def test_retained_report_is_refused(broker, operator, pair):
    alpha, _ = pair
    alpha.client.publish(alpha.topic("inform"), json.dumps({"id": 1, "params": {"version": "6.6.6"}}), 1, retain=True)
    alpha.inform("1.1.0")
    operator.wait_version(PRODUCT, "alpha", "1.1.0")
    with broker.client("stranger") as stranger:
        stranger.subscribe("#", "/ota/#")
        stranger.fence()
        assert not stranger.messages()


def leave_will(broker, verb, retain=False):
    """beta dies with a will on one of its topics, or is refused with it."""
    dying = Device(broker, PRODUCT, "beta")
    try:
        dying.connect(will=(dying.topic(verb), json.dumps({"id": 1, "params": {"version": "6.6.6", "step": 100}}), 1, retain))
    except Refused:
        return
    dying.drop()


@pytest.mark.parametrize("verb", ["inform", "progress"])
def test_will_is_no_report(broker, operator, pair, verb):
    """Mosquitto publishes wills past the plugin's eyes; what they say is not what the device said."""
    alpha, _ = pair
    leave_will(broker, verb)
    alpha.inform("1.1.0")
    operator.wait_version(PRODUCT, "alpha", "1.1.0")
    assert version(operator, "beta") == OLD


@pytest.mark.parametrize("verb, retain", [("upgrade", False), ("upgrade", True), ("request", False), ("cancel", False),
                                          ("inform", True)])
def test_will_on_a_topic_that_is_not_the_devices_to_speak_on_is_never_published(broker, operator, pair, verb, retain):
    alpha, _ = pair
    with broker.client("listener") as listener:
        listener.subscribe("/ota/device/+/+/+")
        leave_will(broker, verb, retain)
        alpha.inform("1.1.0")
        operator.wait_version(PRODUCT, "alpha", "1.1.0")
        listener.subscribe_again("/ota/device/+/+/+")  # retained ones would come now
        listener.fence()
        assert not [each for each in listener.messages() if b"6.6.6" in each.payload]


def test_device_may_not_command_even_with_a_token(operator, pair):
    alpha, _ = pair
    command = {"command": "createProduct", "token": operator.token, "productKey": "byDevice"}
    alpha.client.publish("$CONTROL/ota/v1", json.dumps({"commands": [command]}), 1)
    alpha.client.fence()
    assert not alpha.client.messages("$CONTROL/ota/v1/response")
    assert "byDevice" not in [each["productKey"] for each in operator.pages("listProducts")]


def test_device_keeps_its_other_topics(broker, pair):
    """What has nothing to do with updates is not ours to forbid."""
    alpha, _ = pair
    with broker.client("application") as application:
        application.subscribe("telemetry/#", f"/sys/{PRODUCT}/alpha/thing/event/property/post")
        alpha.client.publish("telemetry/alpha", "21.5", 1)
        alpha.client.publish(f"/sys/{PRODUCT}/alpha/thing/event/property/post", "{}", 1)
        assert application.expect("telemetry/alpha").payload == b"21.5"
        application.expect(f"/sys/{PRODUCT}/alpha/thing/event/property/post")


def test_informs_go_on_to_other_subscribers(broker, pair):
    alpha, _ = pair
    with broker.client("application") as application:
        application.subscribe("/ota/device/inform/+/+")
        alpha.inform("1.1.0")
        assert b"1.1.0" in application.expect(alpha.topic("inform")).payload


def test_second_connection_of_a_device_replaces_the_first(operator, make_scenario):
    scenario = make_scenario("alpha")
    first = scenario.device("alpha", version=OLD)
    second = scenario.device("alpha")
    first.client.wait_closed()
    batch = scenario.batch(scenario.package(NEW), ["alpha"])
    second.expect_push()
    operator.wait_task(scenario.task(batch, "alpha")["id"], state="pushed")
    assert operator.ask("getDevice", productKey=PRODUCT, deviceName="alpha")["online"]


def test_reused_client_id_of_the_same_device_is_a_reconnect(broker, operator, pair):
    alpha, _ = pair
    again = broker.client(alpha.client.client_id, alpha.username, "x").connect()
    again.fence()
    until(lambda: operator.ask("getDevice", productKey=PRODUCT, deviceName="alpha")["online"], "the device to be online")
    again.publish(alpha.topic("inform"), json.dumps({"id": 1, "params": {"version": "1.2.0"}}), 1)
    operator.wait_version(PRODUCT, "alpha", "1.2.0")
    again.disconnect()


def test_client_id_of_another_device_is_refused_and_its_session_kept(broker, pair):
    alpha, beta = pair
    with pytest.raises(Refused):
        broker.client(alpha.client.client_id, beta.username, "x").connect()
    alpha.client.fence()


@pytest.mark.parametrize("client_id, username", [("plain", f"alpha&{PRODUCT}"), ("with|bar", None), ("with|bar", "somebody")])
def test_bar_in_the_client_id_belongs_to_devices(broker, client_id, username):
    with pytest.raises((Refused, Closed)):
        broker.client(client_id, username, "x" if username else None).connect()


def test_failed_login_with_the_id_of_a_live_device_leaves_it_online(broker, operator, pair):
    """Mosquitto tells of a disconnection of that id; it is not the device's."""
    alpha, _ = pair
    with pytest.raises(Refused):
        broker.client(alpha.client.client_id, "somebody", "x").connect()
    alpha.inform("1.3.0")
    operator.wait_version(PRODUCT, "alpha", "1.3.0")
    assert operator.ask("getDevice", productKey=PRODUCT, deviceName="alpha")["online"]


# Beside the broker's own files.

@pytest.fixture
def guarded(new_broker, tmp_path):
    """A broker with a password_file and an acl_file; the plugin defers to them."""
    broker = new_broker(options={"others": "defer"})
    passwords, rights = tmp_path / "passwords", tmp_path / "acl"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "app", "right"], check=True)
    passwords.chmod(0o600)
    rights.write_text("user app\ntopic readwrite app/#\ntopic write $CONTROL/ota/v1\n")
    rights.chmod(0o600)
    broker.config.set("allow_anonymous", "false").add("password_file", passwords)
    broker.config.add("acl_file", rights)
    return broker.start()


def test_deferred_users_follow_password_file_and_acl_file(guarded):
    with pytest.raises(Refused):
        guarded.client("nobody").connect()
    with pytest.raises(Refused):
        guarded.client("app", "app", "wrong").connect()
    with guarded.client("app", "app", "right") as app:
        assert app.subscribe("app/x")[0] in (0, 1)
        app.publish("elsewhere", "x", 1)
        app.publish("app/x", "y", 1)
        assert app.expect().topic == "app/x"


def test_devices_pass_beside_a_password_file(guarded):
    with guarded.client("dn|securemode=3|", "dn&pk", "x") as device:
        assert device.subscribe("/ota/device/upgrade/pk/dn")[0] in (0, 1)
        assert device.subscribe("app/x") == [REFUSED] or True  # the acl_file's business
        assert device.subscribe("/ota/device/upgrade/pk/other") == [REFUSED]


def test_operators_pass_where_the_acl_file_lets_them(guarded):
    with guarded.client("app", "app", "right") as app:
        app.publish("$CONTROL/ota/v1", json.dumps({"commands": [{"command": "getServer", "token": guarded.admin_token()}]}), 1)
        assert b'"data"' in app.expect("$CONTROL/ota/v1/response").payload


# A configuration that leaves a doubt does not start.

@pytest.mark.parametrize("option", ["ota_others", "ota_device_auth", "ota_store_dir", "ota_package_dir", "ota_gateway_url"])
def test_missing_option_stops_the_start_with_its_name(new_broker, option):
    broker = new_broker()
    broker.config.set(f"plugin_opt_{option}", None)
    assert option in broker.start_refused()


def test_unknown_option_stops_the_start_with_its_name(new_broker):
    broker = new_broker()
    broker.config.set_option("ota_setle", "2s")
    assert 'ota_setle: unknown option; did you mean \\"ota_settle\\"?' in broker.start_refused()


def test_doubled_option_stops_the_start_with_its_name(new_broker):
    broker = new_broker()
    broker.config.add("plugin_opt_ota_others", "allow")
    assert "ota_others: is given twice" in broker.start_refused()


def test_empty_option_stops_the_start_with_its_name(new_broker):
    """Mosquitto's own words: the plugin is not asked."""
    broker = new_broker()
    broker.config.set_option("ota_gateway_url", "")
    assert "Empty ota_gateway_url value" in broker.start_refused()


def test_option_in_another_encoding_stops_the_start_with_its_name(new_broker):
    broker = new_broker()
    broker.config.set_option("ota_journal_dir", "/x/\udcff")
    assert "ota_journal_dir: must be text in UTF-8" in broker.start_refused()


@pytest.mark.parametrize("option, value", [("ota_others", "maybe"), ("ota_device_auth", "yes"), ("ota_settle", "soon"),
                                           ("ota_settle", "-1s"), ("ota_settle", "61s"), ("ota_gateway_url", "ftp://x"),
                                           ("ota_store_dir", "relative/path")])
def test_bad_value_stops_the_start_with_its_name(new_broker, option, value):
    broker = new_broker()
    broker.config.set_option(option, value)
    assert option in broker.start_refused()


def test_lab_setting_is_said_loudly(broker):
    assert any("ota_device_auth" in line for line in broker.log_of_run().split("\n"))


def test_second_instance_of_the_plugin_stops_the_start(new_broker):
    broker = new_broker()
    lines = [line for line in broker.config.lines if line[0] == "plugin" or line[0].startswith("plugin_opt_")]
    broker.config.lines += lines
    log = broker.start_refused()
    assert "second" in log or "twice" in log or "already" in log, log


def test_second_broker_on_the_same_store_is_refused_and_the_first_lives(new_broker):
    first = new_broker("first").start()
    second = new_broker("second")
    second.config.set_option("ota_store_dir", first.store_dir)
    log = second.start_refused()
    assert str(first.store_dir) in log
    assert str(first.process.pid) in log
    with first.operator() as operator:
        operator.ask("getServer")


def test_directory_that_cannot_be_made_stops_the_start_with_its_name(new_broker):
    broker = new_broker()
    broker.config.set_option("ota_store_dir", "/proc/none")
    assert "/proc/none" in broker.start_refused()


def test_per_listener_settings_stop_the_start(new_broker):
    broker = new_broker()
    broker.config.lines.insert(0, ("per_listener_settings", "true"))
    assert "per_listener_settings" in broker.start_refused()


def test_admin_token_is_for_its_owner_alone(broker):
    broker.admin_token()
    assert (broker.store_dir / "admin.token").stat().st_mode & 0o077 == 0


def test_secrets_are_not_in_the_log(broker, operator):
    operator.ask("getServer")
    assert operator.token not in broker.log()


# Roles.

@pytest.fixture
def tokens(broker, operator):
    """(broker, {role: token})."""
    made = {role: operator.ask("createToken", name=f"the_{role}", role=role)["token"] for role in ("viewer", "operator")}
    made["revoked"] = operator.ask("createToken", name="gone", role="admin")["token"]
    operator.ask("revokeToken", name="gone")
    return broker, {"admin": operator.token, **made}


def test_viewer_reads_and_changes_nothing(tokens):
    broker, by_role = tokens
    with broker.operator(by_role["viewer"]) as viewer:
        viewer.ask("getServer")
        error = viewer.refused("createProduct", productKey="byViewer")
        assert error.code == "denied"
        assert "operator" in error.message
        assert list(viewer.pages("listProducts")) == []


def test_operator_changes_and_is_named_in_the_log(tokens):
    broker, by_role = tokens
    with broker.operator(by_role["operator"]) as operator:
        operator.ask("createProduct", productKey="byOperator")
        assert operator.wait_event("product_created", productKey="byOperator")["actor"] == "the_operator"


def test_revoked_token_is_denied_and_the_log_tells_who_knocked(tokens):
    broker, by_role = tokens
    with broker.operator(by_role["revoked"], "knocking") as nobody, broker.operator(by_role["admin"], "other") as admin:
        assert nobody.refused("getServer").code == "denied"
        assert "knocking" in admin.wait_event("access_refused")["detail"]


def test_made_token_is_in_no_file_and_no_log(broker, operator):
    made = operator.ask("createToken", name="ci", role="operator", requestId="once")["token"].encode()
    assert operator.refused("createToken", name="ci", role="operator", requestId="once").code == "conflict"
    broker.stop()
    for place in (broker.home, Path(broker.journal_dir)):
        for file in filter(Path.is_file, place.rglob("*")):
            assert made not in file.read_bytes(), file


def test_request_ids_of_two_tokens_do_not_meet(tokens):
    broker, by_role = tokens
    with broker.operator(by_role["operator"]) as one, broker.operator(by_role["admin"], "other") as other:
        one.ask("createProduct", productKey="first", requestId="1")
        assert other.ask("createProduct", productKey="second", requestId="1")["productKey"] == "second"


def test_request_id_of_another_command_is_a_conflict(operator):
    operator.ask("createProduct", productKey="first", requestId="1")
    assert operator.refused("registerDevices", productKey="first", names=["a"], requestId="1").code == "conflict"
