"""The services as a real systemd runs them, on a machine of its own (tests/system/walk): ready, watched, restarted, sandboxed."""

import pytest

from walk.machine import keep_install_log
from walk.reader import README, Reader, machine_of_ones_own, part

SERVICES = ("mosquitto", "ota-gateway", "ota-agent")
# Instead of 30 s and 60 s: the programs ping as often as systemd asks them to.
SOONER = "[Service]\nWatchdogSec=2s\nRestartSec=100ms"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """As README leaves it: broker, gateway and one device with its agent."""
    machine = machine_of_ones_own(tmp_path_factory.mktemp("services") / "scratch")
    for service in ("ota-gateway", "ota-agent"):
        machine.write(f"/etc/systemd/system/{service}.service.d/sooner.conf", SOONER)
    reader = Reader(machine)
    keep_install_log(lambda: reader.follow(part(README, "Adding it to the Mosquitto you have")))
    device = part(README, "Bringing a device")
    reader.follow(device[:1 + next(at for at, step in enumerate(device) if "enable --now ota-agent" in step.command)])
    yield machine
    machine.close()


def unit(machine, service, *keys):
    return [machine.good(f"systemctl show -P {key} {service}")[0] for key in keys]


def wait_in_machine(machine, condition):
    machine.good(f"until {condition}; do sleep 0.05; done")


def wait_restarted(machine, service, restarts):
    wait_in_machine(machine, f"[ $(systemctl show -P NRestarts {service}) -gt {restarts} ] && systemctl -q is-active {service}")


def status_text(machine, service, text):
    wait_in_machine(machine, f"[ \"$(systemctl show -P StatusText {service})\" = '{text}' ]")


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_active_once_it_said_that_it_is_ready(machine, service):
    assert unit(machine, service, "Type", "ActiveState", "SubState", "NRestarts") == ["notify", "active", "running", "0"]


def test_status_says_what_gateway_and_agent_do(machine):
    status_text(machine, "ota-gateway", "serving")
    status_text(machine, "ota-agent", "connected, waiting for updates")


def test_services_run_as_users_of_their_own_without_capabilities(machine):
    for service in ("ota-gateway", "ota-agent"):
        [pid] = unit(machine, service, "MainPID")
        assert machine.good(f"stat -c %U /proc/{pid}") == [service]
        assert machine.good(f"grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/{pid}/status | cut -f 2") == [
            "0000000000000000", "0000000000000000", "1", "2"]


def test_gateway_has_its_secrets_from_files_that_it_cannot_read(machine):
    secrets = ["/etc/ota/gateway.password", "/var/lib/mosquitto/ota/url.key"]
    for secret in secrets:
        assert machine.run(f"setpriv --reuid ota-gateway --clear-groups cat {secret}")[0] != 0
    [pid] = unit(machine, "ota-gateway", "MainPID")
    assert machine.good(f"nsenter -t {pid} -m ls /run/credentials/ota-gateway.service") == ["broker.password", "url.key"]


@pytest.mark.parametrize("service, writable, closed", [
    ("ota-gateway", "/var/lib/ota-gateway/packages", "/var/lib/mosquitto /var/lib/ota-agent /etc /usr/local"),
    ("ota-agent", "/var/lib/ota-agent/slots", "/var/lib/mosquitto /var/lib/ota-gateway /etc /usr/local"),
])
def test_service_can_write_its_state_directory_alone(machine, service, writable, closed):
    [pid] = unit(machine, service, "MainPID")
    inside = f"nsenter -t {pid} -m setpriv --reuid {service} --regid {service} --clear-groups"
    machine.good(f"{inside} sh -c 'echo >{writable}/.touched && rm {writable}/.touched'")
    for folder in closed.split():
        assert machine.run(f"nsenter -t {pid} -m sh -c 'echo >{folder}/.touched'")[0] != 0, folder


def test_watchdog_is_fed_by_a_service_that_works(machine):
    stamps = {service: unit(machine, service, "WatchdogTimestampMonotonic") for service in ("ota-gateway", "ota-agent")}
    for service, stamp in stamps.items():
        wait_in_machine(machine, f"[ $(systemctl show -P WatchdogTimestampMonotonic {service}) -gt {stamp[0]} ]")
        assert unit(machine, service, "NRestarts") == ["0"]


@pytest.mark.parametrize("service", ["ota-gateway", "ota-agent"])
def test_service_that_stands_still_is_ended_by_the_watchdog_and_starts_again(machine, service):
    pid, restarts = unit(machine, service, "MainPID", "NRestarts")
    machine.good(f"kill -STOP {pid}")
    wait_restarted(machine, service, restarts)
    assert any("Watchdog timeout" in line for line in machine.good(f"journalctl --no-pager -u {service}"))


@pytest.mark.parametrize("service", SERVICES)
def test_service_that_was_killed_starts_again(machine, service):
    pid, restarts = unit(machine, service, "MainPID", "NRestarts")
    machine.good(f"kill -9 {pid}")
    wait_restarted(machine, service, restarts)


def test_all_find_each_other_again_after_kills(machine):
    status_text(machine, "ota-gateway", "serving")
    status_text(machine, "ota-agent", "connected, waiting for updates")
    wait_in_machine(machine, "otactl device list --product edgebox -o jsonl | grep box-0001 | grep -q '\"online\":true'")


def test_broker_may_open_a_file_for_each_device(machine):
    """As many as the drop-in says, or as this machine allows at most."""
    [pid] = unit(machine, "mosquitto", "MainPID")
    [soft] = machine.good(f"awk '/open files/ {{print $4}}' /proc/{pid}/limits")
    [most] = machine.good("ulimit -Hn")
    assert int(soft) == 200000 or int(soft) == int(most)
