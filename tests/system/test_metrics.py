"""What Prometheus is told is well-formed and true: a rollout of known size moves every counter by exactly that much."""

import json
import pathlib
import re
import urllib.request

import pytest

from gateway_rig.whole import otactl, system  # noqa: F401
from harness.device import Device
from harness.exposition import parse, value
from harness.wait import DEADLINE, until

IMAGE = bytes(range(256)) * 1000
DEVICES = 5
PRODUCT = "pk1"
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
METRICS_PAGE = (pathlib.Path(__file__).parents[2] / "docs/metrics.md").read_text()


@pytest.fixture
def scrape(system):
    def look(token=None):
        answer = system[1].web(token=token or system[0].admin_token()).get("/metrics")
        assert answer.status == 200 and answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return parse(answer.body.decode())
    return look


def rollout(otactl, devices, tmp_path):
    """One verify batch for all, downloaded by all; the last one fails."""
    file = tmp_path / "image.bin"
    file.write_bytes(IMAGE)
    otactl.good("package", "add", file, "-p", PRODUCT, "-v", "2.0")
    batch = json.loads(otactl.good("batch", "create", "-p", PRODUCT, "-v", "2.0", "--kind", "verify", "--all", "-o", "json"))
    for device in devices:
        with urllib.request.urlopen(device.expect_push().data["url"], timeout=DEADLINE) as answer:
            assert answer.read() == IMAGE
        device.progress(100 if device is not devices[-1] else -4)
        device.inform("2.0" if device is not devices[-1] else "1.0")
    until(lambda: json.loads(otactl.good("batch", "show", batch["id"], "-o", "json"))["state"] == "completed", "it has ended")


def moved(before, after, name, **labels):
    return value(after, name, **labels) - value(before, name, **labels)


def test_every_figure_moves_by_exactly_what_happened(system, otactl, scrape, tmp_path):
    otactl.good("product", "add", PRODUCT)
    otactl.good("device", "add", PRODUCT, *(f"d{i}" for i in range(DEVICES)))
    devices = [Device(system[0], PRODUCT, f"d{i}").connect() for i in range(DEVICES)]
    for device in devices:
        device.inform("1.0")
    until(lambda: value(scrape(), "ota_devices_online") == DEVICES, "all devices are seen")
    until(lambda: value(scrape(), "ota_queue_depth") == 0, "their informs are applied")
    before = scrape()
    rollout(otactl, devices, tmp_path)
    after = scrape()

    assert value(after, "ota_broker_up") == 1 and value(after, "ota_products") == 1
    assert value(after, "ota_tasks", state="succeeded") == DEVICES - 1 and value(after, "ota_tasks", state="failed") == 1
    assert all(value(after, "ota_tasks", state=state) == 0 for state in ("pending", "pushed", "upgrading", "canceled"))
    assert all(value(after, "ota_batches", state=state) == 0 for state in ("planned", "running", "paused"))
    for name, status, count in [("download", "2xx", DEVICES), ("upload", "2xx", 1), ("download", "cut", 0), ("none", "4xx", 0)]:
        assert moved(before, after, "ota_gateway_requests_total", route=name, status=status) == count, (name, status)
        if count:
            assert moved(before, after, "ota_gateway_request_duration_seconds_count", route=name) == count
    assert moved(before, after, "ota_gateway_download_bytes_total") == DEVICES * len(IMAGE)
    assert moved(before, after, "ota_gateway_upload_bytes_total") == len(IMAGE)
    assert moved(before, after, "ota_gateway_requests_total", route="metrics", status="2xx") == 1
    assert value(after, "ota_gateway_requests_in_flight") == 1 and value(after, "ota_gateway_requests_waiting") == 0
    # Of the plugin: each device said two things, and each question through the gateway is a command.
    asked = sum(moved(before, after, "ota_gateway_requests_total", route=route, status="2xx")
                for route in ("command", "read", "metrics")) + 2 * moved(before, after, "ota_gateway_requests_total",
                                                                         route="upload", status="2xx")
    # The gateway tells the plugin of each download in a command of its own, in its own time.
    assert 0 <= moved(before, after, "ota_events_total") - 2 * DEVICES - asked <= DEVICES
    assert moved(before, after, "ota_callback_duration_seconds_count", callback="message") == 2 * DEVICES
    # A scrape may be answered by the worker while the callback that took it in has not ended.
    assert -1 <= moved(before, after, "ota_callback_duration_seconds_count", callback="control") - asked <= DEVICES + 1
    assert moved(before, after, "ota_commit_duration_seconds_count") > 0
    assert value(after, "ota_journal_bytes") <= value(after, "ota_journal_limit_bytes")
    for name in ("store_failures", "reports_dropped", "records_set_aside", "pulls_dropped"):
        assert value(after, f"ota_{name}_total") == 0
    for device in devices:
        device.close()
    until(lambda: value(scrape(), "ota_devices_online") == 0, "all are gone")
    assert {name for name in after} == set(re.findall(r"^\| `(ota_\w+)`", METRICS_PAGE, re.M)), "a row that is never told"


def test_people_are_told_the_same_with_units(otactl, scrape):
    said = otactl.good("server", "status")
    time = r"[\d.]+ (us|ms)"
    for line in (fr"commits +\d+, average {time}, 99 % within {time}, longest {time}",
                 fr"callback control +\d+, average {time}, .*",
                 r"journal limit +[\d.]+ [KMG]iB", r"devices online +0", r"events +\d+", r"store failures +0"):
        assert re.search(f"^{line}$", said, re.M), (line, said)


def test_a_scrape_needs_a_viewer(system, otactl):
    gateway = system[1]
    viewer = json.loads(otactl.good("token", "add", "prometheus", "--role", "viewer", "-o", "json"))["token"]
    assert gateway.web(token=viewer).get("/metrics").status == 200
    assert gateway.web(token="").get("/metrics").status == 401
    unknown = gateway.web(token="ota_" + "E" * 43).get("/metrics")
    assert unknown.status == 401 and unknown.json["error"]["code"] == "denied"
    assert gateway.web(token=viewer).get("/metrics?x=1").status == 400


def test_without_a_broker_the_gateway_tells_of_itself_alone(system, scrape):
    token = system[0].admin_token()
    system[0].stop()
    told = until(lambda: value(scrape(token), "ota_broker_up") == 0 and scrape(token), "the gateway knows of it")
    assert value(told, "ota_gateway_requests_in_flight") == 1
    assert not [name for name in told if not name.startswith("ota_gateway_") and name != "ota_broker_up"]


def test_alert_rules_name_metrics_that_exist():
    rules = (EXAMPLES / "prometheus-rules.yml").read_text()
    used = set(re.findall(r"\bota_[a-z_]+\b", " ".join(re.findall(r"expr: (.*)", rules))))
    assert len(used) >= 5 and used <= set(re.findall(r"`(ota_\w+)`", METRICS_PAGE)), used
    for alert in re.findall(r"- alert: .*?(?=- alert|\Z)", rules, re.S):
        assert "expr:" in alert and "summary:" in alert, alert


@pytest.mark.parametrize("broken", [
    "a_total 1\n", "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n", "# HELP a x\n# TYPE a gauge\na 1",
    "# HELP a x\n# TYPE a gauge\na 1\n\n", '# HELP a x\n# TYPE a gauge\na{b="1",b="2"} 1\n',
    "# HELP a x\n# TYPE a gauge\na 1\na 2\n",
    '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    '# HELP a x\n# TYPE a gauge\na{b="\\x"} 1\n', "# HELP a x\n# TYPE a gauge\na 1e\n", "# HELP a x\n# TYPE a gauge\n",
])
def test_the_parser_takes_nothing_that_the_format_does_not_allow(broken):
    with pytest.raises((AssertionError, KeyError, IndexError)):
        parse(broken)
