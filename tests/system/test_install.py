"""What `make install` leaves on a machine: the files that docs/install.md promises, and units that give nothing away."""

import re
import shutil
import subprocess

import pytest

from harness import places

pytestmark = pytest.mark.needs_no_plugin

PAGE = places.ROOT / "docs/install.md"
INSTALL_LOG = places.BUILD / "meson-logs/install-log.txt"
UNITS = ["ota-gateway.service", "ota-agent.service"]
EXPOSURE = 15  # of 100
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")


def files(root):
    return {str(path.relative_to(root)): path for path in root.rglob("*") if not path.is_dir()}


def promised(machine):
    rows = re.findall(r"^\| `([^`]+)` \| (`.+`) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) > 8
    return {f"usr/local/{directory}/{name}".replace("<machine>", machine) for directory, names in rows
            for name in re.findall("`([^`]+)`", names)}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An installation under a root of its own. What a real one left for `make uninstall` stays as it was."""
    root = tmp_path_factory.mktemp("root")
    before = INSTALL_LOG.read_bytes() if INSTALL_LOG.exists() else None
    subprocess.run(["meson", "install", "-C", places.BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
    yield root
    subprocess.run(["ninja", "-C", places.BUILD, "uninstall"], check=True, capture_output=True)
    left = files(root)
    if before is None:
        INSTALL_LOG.unlink()
    else:
        INSTALL_LOG.write_bytes(before)
    assert left == {}, "uninstalling leaves nothing"


def test_install_puts_every_file_where_the_page_says_and_no_other(installed):
    machine = next(path for path in files(installed) if path.endswith("mosquitto_ota.so")).split("/")[3]
    assert set(files(installed)) == promised(machine)


def test_programs_and_hooks_may_be_run_and_nothing_may_be_written_by_others(installed):
    for name, path in files(installed).items():
        runs = "/bin/" in name or "/hooks/" in name or name.endswith(".so")
        assert path.stat().st_mode & 0o7777 == (0o755 if runs else 0o644), name


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_exposed_to_no_more_than_1_5_of_10(installed, unit):
    path = installed / "usr/local/lib/systemd/system" / unit
    result = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", path],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line_of_the_unit(installed, tmp_path, unit):
    """With the program where it stands in this installation, so that systemd finds it."""
    text = (installed / "usr/local/lib/systemd/system" / unit).read_text()
    (tmp_path / unit).write_text(text.replace("ExecStart=/usr/local/", f"ExecStart={installed}/usr/local/"))
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / unit],
                            capture_output=True, text=True, check=False)
    assert [line for line in result.stderr.splitlines() if unit in line] == []


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="systemd-sysusers is missing")
def test_users_of_the_units_are_made(installed, tmp_path):
    (tmp_path / "etc").mkdir()
    conf = installed / "usr/local/lib/sysusers.d/mosquitto-ota.conf"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "--replace=/usr/lib/sysusers.d/mosquitto-ota.conf", conf],
                   check=True, capture_output=True)
    made = {line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    for unit in UNITS:
        text = (installed / "usr/local/lib/systemd/system" / unit).read_text()
        assert re.search(r"^User=(.+)$", text, re.MULTILINE).group(1) in made


def test_settings_name_what_the_gateways_unit_gives_it():
    """Two files that an administrator copies and that must fit."""
    unit = (places.ROOT / "examples/systemd/ota-gateway.service.in").read_text()
    settings = dict(re.findall(r"^(\w+) = (.+)$", (places.ROOT / "examples/gateway.conf").read_text(), re.MULTILINE))
    for name in re.findall(r"^LoadCredential=([^:]+):", unit, re.MULTILINE):
        assert f"/run/credentials/ota-gateway.service/{name}" in settings.values()
    assert "/var/lib/" + re.search(r"^StateDirectory=.* (.+)$", unit, re.MULTILINE).group(1) == settings["package_dir"]
    plugin = (places.ROOT / "examples/mosquitto.conf").read_text()
    assert f"plugin_opt_ota_package_dir {settings['package_dir']}\n" in plugin


def test_plugin_stands_where_the_example_loads_it_from(installed):
    line = re.search(r"^plugin (.+)$", (places.ROOT / "examples/mosquitto.conf").read_text(), re.MULTILINE).group(1)
    path = next(path for path in files(installed) if path.endswith("mosquitto_ota.so"))
    if "x86_64" in path:
        assert line == "/" + path
