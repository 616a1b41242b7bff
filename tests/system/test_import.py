"""A table of devices from the command line into the store: found by their tags, and their secrets nowhere."""

import json

from gateway_rig.whole import otactl, system  # noqa: F401

SECRETS = ["Sesame-0123456789abcdef0123456789", "Sesame-fedcba9876543210fedcba98765"]


def files_with(words, *directories):
    found = []
    for directory in directories:
        for path in directory.rglob("*"):
            if path.is_file() and any(word.encode() in path.read_bytes() for word in words):
                found.append(path)
    return found


def test_secrets_of_an_import_are_in_no_file_of_the_servers(system, otactl, tmp_path):
    broker, gateway = system
    table = tmp_path / "table.csv"
    table.write_text("".join(["DeviceName,ProductKey,DeviceSecret,tag:site\r\n",
                              f"m1,a1B2c3,{SECRETS[0]},north\r\n", f"m2,a1B2c3,{SECRETS[1]},south\r\n", "m3,a1B2c3,,\r\n"]))
    otactl.good("product", "add", "a1B2c3")
    assert otactl("device", "import", table, "--request-id", "r1").code == 0
    again = json.loads(otactl.good("device", "import", table, "-o", "json"))
    assert again == {"registered": 0, "changed": 0, "already": 3}
    shown = [json.loads(line) for line in otactl.good("device", "list", "-p", "a1B2c3", "-o", "jsonl").splitlines()]
    assert [(each["deviceName"], each.get("hasSecret"), each.get("tags")) for each in shown] == [
        ("m1", True, {"site": "north"}), ("m2", True, {"site": "south"}), ("m3", None, None)]
    assert otactl.good("device", "list", "-p", "a1B2c3", "--tag", "site=south", "-o", "name") == "a1B2c3/m2\n"
    otactl.good("device", "tag", "a1B2c3", "m2", "m3", "--set", "site=east", "--reason", "moved")
    assert "site=east on 2 devices: moved" in otactl.good("log", "-o", "jsonl")
    assert "Sesame" not in otactl.good("log", "-o", "json")
    table.unlink()
    directories = (broker.home, gateway.home, broker.journal_dir)
    assert files_with(["a1B2c3"], *directories), "they were looked into"
    assert files_with(SECRETS, *directories) == []
    broker.stop()
    assert files_with(SECRETS, *directories) == []
    key = broker.store_dir / "secret.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_text()) == 65


def test_import_keeps_what_it_knew_when_its_key_is_gone(system, otactl, tmp_path):
    broker, gateway = system
    otactl.good("product", "add", "a1B2c3")
    result = otactl("device", "import", "-", "-p", "a1B2c3", stdin=f"device_name,device_secret\nm1,{SECRETS[0]}\n")
    assert result.code == 0, result
    broker.stop()
    (broker.store_dir / "secret.key").unlink()
    broker.start()
    gateway.wait_broker()
    refused = otactl("device", "import", "-", "-p", "a1B2c3", stdin=f"device_name,device_secret\nm2,{SECRETS[1]}\n")
    assert refused.code == 1 and "back from a backup" in refused.err
    assert SECRETS[1] not in refused.err + broker.log()
    assert json.loads(otactl.good("device", "list", "-p", "a1B2c3", "-o", "json"))[0]["hasSecret"] is True
