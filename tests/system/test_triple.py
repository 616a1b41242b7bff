"""Devices that prove who they are (ota_device_auth triple), each with the CONNECT packet of its SDK; others are refused, and the
log says why.
"""

import json

import pytest

from harness.device import Device
from harness.mqtt import Refused
from harness.scenario import PRODUCT
from harness.wait import until
from sdk.connect import c3, c4, document_004, document_004_with_region, node, node_1_0_1, password

SECRET = "0123456789abcdef0123456789abcdef"
OTHER_SECRET = "fedcba9876543210fedcba9876543210"


def node_with_white_space(name, secret):
    """aliyun-iot-device-sdk 1.0.1, but for its line breaks: a packet with those is malformed to Mosquitto itself."""
    client_id, signed = node_1_0_1(name, secret)
    return client_id.replace("\n", ""), signed


def md5_by_default(name, secret):
    cid = f"{PRODUCT}.{name}"
    return f"{cid}|securemode=3|", password("md5", secret, name, cid)


SDKS = [c3, c4, document_004, node, node_with_white_space]


class SignedDevice(Device):
    def __init__(self, broker, name, sdk, secret=SECRET):
        super().__init__(broker, PRODUCT, name)
        self.sdk, self.secret = sdk, secret

    def connect(self, **more):
        client_id, secret = self.sdk(self.name, self.secret)
        self.client = self.broker.client(client_id, self.username, secret, **more).connect()
        return self


def prepare(operator, names=("sensor-01",), secret=SECRET):
    operator.ask("createProduct", productKey=PRODUCT)
    operator.ask("importDevices", productKey=PRODUCT, devices=[{"deviceName": name, "secret": secret} for name in names])


def refused_lines(broker, why):
    return [line for line in broker.log_of_run().split("\n") if "login_refused" in line and f"why={why}" in line]


def expect_refused(broker, device, why):
    before = len(refused_lines(broker, why))
    with pytest.raises(Refused) as refusal:
        device.connect()
    assert refusal.value.code in (4, 5)
    until(lambda: len(refused_lines(broker, why)) > before, f"a line that says {why}")


@pytest.fixture
def guarded(new_broker):
    broker = new_broker(options={"device_auth": "triple"})
    broker.start()
    return broker


@pytest.fixture
def operator(guarded):
    with guarded.operator() as connected:
        yield connected


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.__name__)
def test_each_sdk_comes_in_with_its_own_connect_packet(guarded, operator, sdk):
    prepare(operator)
    with SignedDevice(guarded, "sensor-01", sdk) as device:
        device.inform("1.0.0")
        operator.wait_version(PRODUCT, "sensor-01", "1.0.0")


def test_wrong_passwords_are_refused_and_the_log_says_why(guarded, operator):
    prepare(operator, ["sensor-01", "sensor-02"])
    operator.ask("registerDevices", productKey=PRODUCT, names=["bare-01"])
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", c3, OTHER_SECRET), "password_wrong")
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", lambda name, secret: c3("sensor-02", secret)), "password_wrong")
    expect_refused(guarded, SignedDevice(guarded, "bare-01", c3), "device_unknown")
    expect_refused(guarded, SignedDevice(guarded, "stranger", c3), "device_unknown")
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", lambda *_: (f"{PRODUCT}.sensor-01|timestamp=1|", None)),
                   "sign_method_refused")
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", lambda *_: ("x|signmethod=hmacsha256|", None)), "password_missing")
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", lambda *_: ("x|signmethod=rot13|", "00")), "sign_method_unknown")
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", md5_by_default), "sign_method_refused")
    assert SECRET not in guarded.log_of_run()
    with SignedDevice(guarded, "sensor-01", c3) as device:
        device.inform("1.0.0")
        operator.wait_version(PRODUCT, "sensor-01", "1.0.0")


def test_aliyun_0_14_literal_sample_of_document_004_needs_the_option(guarded):
    with guarded.operator() as operator:
        prepare(operator)
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", document_004_with_region), "password_wrong")
    guarded.stop()
    guarded.config.set_option("ota_triple_region", "cn-shanghai")
    guarded.start()
    with guarded.operator() as operator, SignedDevice(guarded, "sensor-01", document_004_with_region) as device:
        device.inform("1.0.0")
        operator.wait_version(PRODUCT, "sensor-01", "1.0.0")


def test_aliyun_0_15_hex_of_either_case_is_let_in_and_a_method_that_is_not_computed_is_not(guarded, operator):
    prepare(operator)

    def lower(name, secret):
        client_id, signed = c3(name, secret)
        return client_id, signed.lower()

    def sha256_in_name_only(name, secret):
        client_id, signed = node(name, secret)
        return client_id.replace("hmacsha1", "hmacsha256"), signed
    for sdk in (c3, lower):
        SignedDevice(guarded, "sensor-01", sdk).connect().close()
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", sha256_in_name_only), "password_wrong")


def test_refused_login_does_not_disturb_the_device_it_names(guarded, operator):
    prepare(operator)
    with SignedDevice(guarded, "sensor-01", c3) as device:
        expect_refused(guarded, SignedDevice(guarded, "sensor-01", c3, OTHER_SECRET), "password_wrong")
        device.inform("1.0.0")
        operator.wait_version(PRODUCT, "sensor-01", "1.0.0")


def test_options_let_in_who_signs_otherwise(new_broker):
    broker = new_broker(options={"device_auth": "triple", "triple_md5": "yes", "triple_region": "cn-shanghai"})
    broker.start()
    with broker.operator() as operator:
        prepare(operator, ["sensor-01", "sensor-03"])
        for name, sdk in [("sensor-01", md5_by_default), ("sensor-03", document_004)]:
            with SignedDevice(broker, name, sdk) as device:
                device.inform("1.0.0")
                operator.wait_version(PRODUCT, name, "1.0.0")


def test_new_secret_counts_from_the_next_login_on_and_survives_a_restart(guarded, operator):
    prepare(operator)
    SignedDevice(guarded, "sensor-01", c3).connect().close()
    operator.ask("importDevices", productKey=PRODUCT, devices=[{"deviceName": "sensor-01", "secret": OTHER_SECRET}])
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", c3), "password_wrong")
    guarded.kill()
    guarded.start()
    SignedDevice(guarded, "sensor-01", c3, OTHER_SECRET).connect().close()
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", c3), "password_wrong")


def test_lost_key_file_refuses_with_a_sentence_and_nobody_comes_in(guarded, operator):
    prepare(operator)
    guarded.stop()
    key = guarded.store_dir / "secret.key"
    kept = key.read_bytes()
    key.unlink()
    guarded.start()
    expect_refused(guarded, SignedDevice(guarded, "sensor-01", c3), "secret_unreadable")
    assert any("the key of the secrets in the store is gone" in line for line in guarded.log_of_run().split("\n"))
    key.touch(0o600)
    key.write_bytes(kept)

    def let_in():
        try:
            SignedDevice(guarded, "sensor-01", c3).connect().close()
            return True
        except Refused:
            return False
    until(let_in, "the key file to be read again")


def test_whole_update_of_a_device_that_proves_itself(guarded, operator):
    prepare(operator)
    package = operator.add_package(PRODUCT, "2.0.0", b"image of 2.0.0")
    with SignedDevice(guarded, "sensor-01", c4) as device:
        device.inform("1.0.0")
        operator.wait_version(PRODUCT, "sensor-01", "1.0.0")
        batch = operator.ask("createBatch", package=package["id"], kind="verify", targets={"names": ["sensor-01"]})
        assert device.expect_push().data["version"] == "2.0.0"
        device.progress(100)
    with SignedDevice(guarded, "sensor-01", c4) as device:
        device.client.publish(device.topic("inform"), json.dumps({"id": 1, "params": {"version": "2.0.0"}}), 1)
        until(lambda: operator.ask("getBatch", batch=batch["id"])["state"] == "completed", "the batch's end")
