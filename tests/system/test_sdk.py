"""Devices moved here from elsewhere: each client, scripted as it was seen on the wire (sdk/), goes the whole way from its login
to the new version, over TCP and over TLS. The numbers in the names are those of the points that break a careless server.
"""

import concurrent.futures
import itertools
import json
import ssl

import pytest

from gateway_rig.process import Gateway
from harness.authority import Authority
from harness.mqtt import Closed, Refused
from harness.scenario import PRODUCT
from harness.wait import until
from sdk import C3, C4, CLIENTS, Document004, Node, connect
from sdk.clients import HAL_VERSION
from sdk.fetch import Road

SECRET = "0123456789abcdef0123456789abcdef"
OLD, NEW = "1.0.0", "2.0.0"
IMAGE = bytes(range(256)) * 80  # two and a half buffers of C 4.x
HOST = "ota.test"


class Ground:
    """A broker that wants triples, a gateway, and the road to it; with `tls` both speak it."""

    def __init__(self, broker, home, tls):
        self.broker = broker
        self.context = self.port = None
        more = {}
        if tls:
            authority = Authority(home)
            certificate, key = authority.issue("server", f"DNS:{HOST},IP:127.0.0.1")
            self.context = ssl.create_default_context(cafile=str(authority.certificate))
            more = {"tls_cert": certificate, "tls_key": key}
            self.port = broker.add_tls_listener(certificate, key)
        self.gateway = Gateway(home / "gateway", f"mqtt://127.0.0.1:{broker.port}", package_dir=broker.package_dir, **more)
        self.gateway.start()
        broker.config.set_option("ota_gateway_url", f"{'https' if tls else 'http'}://{HOST}")
        broker.config.set_option("ota_url_key_file", self.gateway.key_file)
        broker.start()
        self.operator = broker.operator()
        self.operator.ask("createProduct", productKey=PRODUCT)

    def register(self, *names):
        self.operator.ask("importDevices", productKey=PRODUCT, devices=[{"deviceName": each, "secret": SECRET} for each in names])

    def device(self, kind, name="sensor-01"):
        return kind(self.broker, name, SECRET, Road(self.gateway.port, self.context), self.port, self.context)

    def known(self, name="sensor-01", version=OLD):
        return self.operator.wait_version(PRODUCT, name, version)

    def batch(self, package, *names):
        strategy = {"retries": 0, "abortSample": 0}
        made = self.operator.ask("createBatch", package=package["id"], kind="verify", targets={"names": list(names)},
                                 strategy=strategy)
        return self.operator.prepared(made["id"])

    def task(self, batch, name="sensor-01"):
        return self.operator.task_of(batch["id"], name)

    def close(self):
        self.operator.close()
        self.gateway.stop()


@pytest.fixture
def make_ground(new_broker, tmp_path):
    made = []

    def make(tls=False, **options):
        made.append(Ground(new_broker(options={"device_auth": "triple", "repush": "200ms", **options}), tmp_path, tls))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def ground(make_ground):
    ground = make_ground()
    ground.register("sensor-01")
    return ground


def half_way(device):
    """Pushed; then the line is cut, and the device comes back in silence to be pushed again."""
    device.expect_push()
    return device.reconnect()


def to_the_end(device):
    offer = device.take(device.expect_push())
    assert (offer.version, device.update(offer)) == (NEW, [IMAGE])
    device.client.fence()  # whoever closes with something unread may take his last QoS 0 report back
    device.close()
    return device.power_up(NEW)


@pytest.mark.usefixtures("takes_sessions_over")
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_every_client_goes_from_its_login_to_the_new_version(make_ground, tls):
    """inform -> push -> cut line, silence, push -> download -> progress -> restart -> inform."""
    ground = make_ground(tls)
    names = {kind: f"sensor-{number}" for number, kind in enumerate(CLIENTS)}
    ground.register(*names.values())
    devices = [ground.device(kind, name).power_up(OLD) for kind, name in names.items()]
    for name in names.values():
        ground.known(name)
    package = ground.operator.add_package(PRODUCT, NEW, IMAGE)
    batch = ground.batch(package, *names.values())
    with concurrent.futures.ThreadPoolExecutor(len(devices)) as pool:
        devices = list(pool.map(half_way, devices))
        devices = list(pool.map(to_the_end, devices))
    ended = ground.operator.wait_batch(batch["id"], state="completed")
    assert ended["causes"] == {"version_reported": len(CLIENTS)}
    steps = {kind: ground.operator.ask("getTask", task=ground.task(batch, name)["id"]) for kind, name in names.items()}
    assert {kind.dialect: task["step"] for kind, task in steps.items()} == {
        "aliyun-iot-mqtt 0.0.1": 23, "alibabacloud-iot-device-sdk 1.2.8": 23, "C 3.0.1": 50, "C 4.2.0": 100}
    assert all(len(task["attempts"]) == 1 for task in steps.values())
    for device in devices:
        device.no_push(0)
        device.close()


def test_client_id_with_line_breaks_is_refused_by_mosquitto_itself(ground):
    """aliyun-iot-device-sdk 1.0.1: control characters in a string of MQTT. No plugin hears of it; docs/aliyun.md tells it."""
    device = ground.device(Node)
    client_id, password = connect.node_1_0_1("sensor-01", SECRET)
    with pytest.raises((Closed, Refused)):
        ground.broker.client(client_id, device.username, password, clean=False, keepalive=60).connect()
    assert "login_refused" not in ground.broker.log_of_run()


def test_aliyun_0_01_who_never_subscribes_is_pushed_once_and_who_does_too(ground):
    ground.register("sensor-02")
    silent, follower = ground.device(C4).power_up(OLD), ground.device(C3, "sensor-02").power_up(OLD)
    ground.known("sensor-01")
    ground.known("sensor-02")
    ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01", "sensor-02")
    for device in (silent, follower):
        device.expect_push()
        device.client.fence()
        assert not device.client.messages(device.topic("upgrade"))
        device.close()


def test_aliyun_0_08_new_client_id_at_each_connect_is_one_device(ground):
    """Orphan sessions of clean=false: what is pushed goes to the live connection alone, the old session gathers nothing."""
    device = ground.device(Node).power_up(OLD)
    ground.known()
    old_id = device.client.client_id
    device.close()
    ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01")
    device.connect().expect_push()
    assert device.client.client_id != old_id
    device.close()
    cid, started = f"{PRODUCT}&sensor-01", old_id.partition("timestamp=")[2].partition(",")[0]
    password = connect.password("sha1", SECRET, "sensor-01", cid, started)
    orphan = ground.broker.client(old_id, device.username, password, clean=False)
    orphan.connect()
    assert orphan.session_present
    orphan.fence()
    assert not orphan.messages()
    orphan.disconnect()


def test_aliyun_0_08_sessions_that_nobody_comes_back_to_expire_with_the_shipped_configuration(new_broker):
    assert dict(new_broker().config.lines)["persistent_client_expiration"] == "14d"


@pytest.mark.usefixtures("takes_sessions_over")
def test_aliyun_0_09_first_of_two_informs_does_not_count(ground):
    """C 3.x tells a version of its own first, and before it subscribes; then the application's. The last one is true."""
    device = ground.device(C3).power_up(OLD)
    ground.known()
    task = ground.task(ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01"))
    device.take(device.expect_push())
    device.report(0, "Enter in downloading state")
    ground.operator.wait_task(task["id"], state="upgrading")
    device.close()
    device.power_up(OLD)  # "an unknown version while upgrading" would fail here
    device.expect_push()
    device.close()
    device.power_up(NEW)
    assert ground.operator.wait_task(task["id"], state="succeeded")["cause"] == "version_reported"
    told = [each["detail"] for each in ground.operator.events(productKey=PRODUCT, deviceName="sensor-01")]
    assert not any(HAL_VERSION in each for each in told)
    device.close()


def test_aliyun_0_09_push_on_the_first_inform_arrives_before_the_subscription(make_ground):
    """Sent to the client, not to the topic: what C 3.x gets before its SUBSCRIBE it takes all the same."""
    ground = make_ground()
    ground.register("sensor-01")
    device = ground.device(C3).connect()
    device.tell("inform", {"id": "2", "params": {"version": HAL_VERSION}}, 1)
    ground.known(version=HAL_VERSION)
    ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01")
    assert device.take(device.expect_push()).version == NEW
    device.close()


@pytest.mark.parametrize("kind", [C3, C4], ids=lambda kind: kind.dialect)
def test_aliyun_0_10_device_that_is_silent_after_a_reconnect_is_pushed(ground, kind):
    device = ground.device(kind).power_up(OLD)
    ground.known()
    device.drop()
    task = ground.task(ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01"))
    ground.operator.wait_task(task["id"], state="pending", reason="offline")
    device.reconnect().expect_push()
    ground.operator.wait_task(task["id"], state="pushed")
    device.close()


def test_aliyun_0_12_range_download_goes_on_at_a_whole_buffer_after_a_cut(ground):
    """206, Content-Range, and Content-Length in exactly that spelling: sdk/fetch.py reads no other."""
    device = ground.device(C4).power_up(OLD)
    ground.known()
    ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01")
    offer = device.take(device.expect_push())
    for device.cut in (1, 2):
        assert device.update(offer) == [IMAGE]
    device.close()


def test_aliyun_0_13_urls_need_no_port_and_have_at_most_255_bytes(ground):
    """A gateway on the scheme's own port: sdk/fetch.py maps port 80 to where it listens in this test."""
    device = ground.device(C3).power_up(OLD)
    ground.known()
    ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01")
    url = device.take(device.expect_push()).files[0].url
    assert url.startswith(f"http://{HOST}/dl/") and len(url) <= 255
    device.close()


def test_pull_echoes_the_id_with_its_json_type(ground):
    """thing/ota/firmware/get: a field client puts its module at top level, C 4.x a space behind the comma."""
    device = ground.device(C4).power_up(OLD)
    ground.known()
    manual = '{"id":%s,"version":"1.0","params":{"module":"MCU"},"method":"thing.ota.firmware.get"}'
    bodies = ['{"id":%s, "params":{}}', manual, '{"id":%s,"module":"MCU"}']
    for body, id in itertools.product(bodies, ['"123"', "123", '"00000000-0000-4000-8000-000000000001"', "0"]):
        device.client.publish(device.sys_topic("ota/firmware/get"), body % id, 0)
        answer = device.client.expect(device.sys_topic("ota/firmware/get_reply")).payload
        assert answer == b'{"id":%s,"code":200,"data":{}}' % id.encode()
    device.close()


def test_pull_gives_each_client_the_offer_it_can_read(ground):
    """4.x asks with firmware/get and never subscribed; 3.x on /ota/device/request, where its own body is not echoed."""
    device = ground.device(C4).power_up(OLD)
    ground.known()
    ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01")
    pushed = device.take(device.expect_push())
    device.client.publish(device.sys_topic("ota/firmware/get"), '{"id":7, "params":{}}', 0)
    reply = device.client.expect(device.sys_topic("ota/firmware/get_reply"))
    assert device.parse(reply.payload).files[0].digest == pushed.files[0].digest
    device.close()
    older = ground.device(C3).power_up(OLD)
    older.expect_push()  # settled: before that a pull is met with silence
    older.client.publish(older.topic("request"), json.dumps({"id": 0, "params": {"version": OLD}}), 1)
    assert older.parse(older.client.expect(older.topic("request")).payload).version == NEW
    older.client.fence()
    assert not older.client.messages(older.topic("request"))
    older.close()


def test_old_pull_is_met_with_silence_when_there_is_nothing(ground):
    """C 3.x has no word for it and ignores what has no url."""
    device = ground.device(C3).power_up(OLD)
    ground.known()
    device.client.publish(device.topic("request"), json.dumps({"id": 0, "params": {"version": OLD}}), 1)
    device.client.publish(device.sys_topic("ota/firmware/get"), '{"id":1}', 1)
    device.client.expect(device.sys_topic("ota/firmware/get_reply"))  # answered in order: the other would be here
    assert not device.client.messages(device.topic("request"))
    device.close()


def test_refused_subscriptions_disturb_no_client(ground):
    """The Node SDK's sixteen: whatever the broker's own rules say to them, the connection stays."""
    device = ground.device(Node).power_up(OLD)
    assert len(device.granted) == 17
    ground.known()
    until(lambda: device.client.fence() is None, "an answer on the same connection")
    device.close()


def test_document_004_reports_without_a_module_and_a_number_as_step(ground):
    device = ground.device(Document004).power_up(OLD)
    ground.known()
    task = ground.task(ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE, module="resource"), "sensor-01"))
    device.expect_push()
    device.tell("progress", {"id": 1, "params": {"step": 23, "desc": "xxxxxxxx"}}, 0)
    told = ground.operator.wait_task(task["id"], state="upgrading", step=23)
    assert told["desc"] == "xxxxxxxx"
    device.close()
