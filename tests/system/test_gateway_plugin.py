"""The whole way: otactl, gateway, broker with the plugin, and a device that downloads what it was offered."""

import hashlib
import json
import os
import urllib.error
import urllib.request

import pytest

from gateway_rig.whole import otactl, system  # noqa: F401
from harness.device import Device
from harness.wait import DEADLINE, until

IMAGE = os.urandom(2_000_000)
PRODUCT = "pk1"


def asked(otactl, *words):
    return json.loads(otactl.good(*words, "-o", "json"))


def upload(otactl, tmp_path, version="2.0", image=IMAGE):
    file = tmp_path / "image.bin"
    file.write_bytes(image)
    return asked(otactl, "package", "add", file, "-p", PRODUCT, "-v", version, "--notes", "spring")


@pytest.fixture
def device(system, otactl):
    otactl.good("product", "add", PRODUCT, "--name", "Sensors")
    otactl.good("device", "add", PRODUCT, "s1", "s2")
    connected = Device(system[0], PRODUCT, "s1").connect()
    connected.inform("1.0")
    until(lambda: asked(otactl, "device", "show", PRODUCT, "s1")["modules"], "the version is known")
    yield connected
    connected.close()


def test_rollout_from_the_command_line_to_the_new_version(system, otactl, device, tmp_path):
    _, gateway = system
    package = upload(otactl, tmp_path)
    assert package["size"] == len(IMAGE) and package["sha256"] == hashlib.sha256(IMAGE).hexdigest()
    batch = asked(otactl, "batch", "create", "--package", package["id"], "--kind", "verify", "-d", "s1", "--name", "first")
    watching = otactl.start("batch", "watch", str(batch["id"]), "--interval", "50ms")

    push = device.expect_push()
    assert push.data["url"].startswith(gateway.url + "/dl/")
    with urllib.request.urlopen(urllib.request.Request(push.data["url"], headers={"Range": "bytes=0-"}),
                                timeout=DEADLINE) as answer:
        assert answer.status == 206
        data = answer.read()
    assert hashlib.md5(data).hexdigest() == push.data["md5"]

    device.progress(100)
    device.inform("2.0")
    assert watching.wait(2 * DEADLINE) == 0
    assert "outcome=succeeded" in watching.stdout.read()
    watching.stdout.close()
    watching.stderr.close()
    assert asked(otactl, "package", "show", package["id"])["verification"] == "verified"
    versions = asked(otactl, "product", "versions", PRODUCT)
    assert versions["versions"] == [{"version": "2.0", "count": 1}] and versions["unknown"] == 1
    assert "batch_created" in otactl.good("log", "-b", batch["id"], "-o", "jsonl")


def test_every_view_shows_what_the_server_sends(otactl, device, tmp_path):
    package = upload(otactl, tmp_path)
    batch = asked(otactl, "batch", "create", "--package", package["id"], "--kind", "verify", "-d", "s1")
    task = until(lambda: asked(otactl, "batch", "tasks", batch["id"]), "the task exists")[0]
    for words, sign in [(("product", "list"), "Sensors"), (("product", "show", PRODUCT), "Sensors"),
                        (("device", "list", "-p", PRODUCT), "default 1.0"), (("device", "show", PRODUCT, "s1"), "TASK"),
                        (("package", "list"), "1.9 MiB"), (("package", "show", package["id"]), "spring"),
                        (("batch", "list"), "verify"), (("batch", "show", batch["id"]), "strategy"),
                        (("batch", "tasks", batch["id"]), "s1"), (("task", "show", task["id"]), "2.0"),
                        (("server", "status"), "devices online"), (("log",), "package_added")]:
        assert sign in otactl.good(*words), words


def test_refusals_of_the_server_arrive_as_exit_codes(otactl, device, tmp_path):
    upload(otactl, tmp_path)
    file = tmp_path / "image.bin"
    again = otactl("package", "add", file, "-p", PRODUCT, "-v", "2.0")
    assert again.code == 4 and "2.0" in again.err
    assert otactl("product", "add", PRODUCT).code == 4
    assert otactl("batch", "show", 99).code == 3
    assert otactl("product", "list", OTA_TOKEN="ota_" + "E" * 43).code == 1
    unproven = otactl("batch", "create", "-p", PRODUCT, "-v", "2.0", "--all")
    assert unproven.code == 4
    assert otactl("batch", "create", "-p", PRODUCT, "-v", "2.0", "--all", "--override", "--reason", "lab").code == 0


def test_unknown_token_is_401_and_the_health_is_good(system):
    gateway = system[1]
    web = gateway.web(token="ota_" + "E" * 43)
    assert web.get("/api/v1/products").status == 401
    assert web.get("/healthz").json == {"gateway": "ok", "broker": "ok"}


def test_downloads_go_on_while_the_broker_is_away(system, otactl, device, tmp_path):
    broker, gateway = system
    package = upload(otactl, tmp_path)
    asked(otactl, "batch", "create", "--package", package["id"], "--kind", "verify", "-d", "s1")
    url = device.expect_push().data["url"]
    device.close()
    broker.stop()
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        assert answer.read() == IMAGE
    assert otactl("product", "list").code == 1
    broker.start()
    gateway.wait_broker()
    assert otactl("product", "list").code == 0


def test_url_of_another_device_tells_nothing_more(system, otactl, device, tmp_path):
    package = upload(otactl, tmp_path)
    asked(otactl, "batch", "create", "--package", package["id"], "--kind", "verify", "-d", "s1")
    url = device.expect_push().data["url"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url.replace("d=", "d=f"), timeout=DEADLINE)
    assert refused.value.code == 403
    refused.value.close()


def test_backup_check_and_job_from_the_command_line(system, otactl, device, tmp_path):
    broker, _ = system
    package = upload(otactl, tmp_path)
    made = asked(otactl, "server", "backup", "--name", "cli", "--reason", "weekly")
    assert hashlib.sha256(open(made["path"], "rb").read()).hexdigest() == made["sha256"]
    assert "nothing was found wrong" in otactl.good("server", "check", "--deep")
    assert asked(otactl, "log", "--event", "server_backup")[0]["detail"].endswith("weekly")
    (broker.package_dir / package["sha256"]).unlink()
    result = otactl("server", "check")
    assert result.code == 7 and "is missing" in result.out and package["sha256"] in result.out
    job = asked(otactl, "log", "--event", "server_check")[0]["detail"].split()[1]
    assert asked(otactl, "server", "job", job)["state"] == "done"
    assert "is missing" in otactl.good("server", "job", job)
    refused = otactl("server", "job", "5")
    assert refused.code == 3 and "job 5 is not known" in refused.err
