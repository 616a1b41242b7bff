"""The plugin loads on every Mosquitto from 2.0.11: it calls only what every build exports, and shows nothing but its entry
points.

Usage: check_symbols.py PLUGIN LIST
"""

import subprocess
import sys

ENTRY_POINTS = {"mosquitto_plugin_version", "mosquitto_plugin_init", "mosquitto_plugin_cleanup"}


def names(plugin, *options):
    told = subprocess.run(["nm", "-D", *options, plugin], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].partition("@")[0] for line in told.splitlines()}


def dynamic_section(plugin):
    return subprocess.run(["readelf", "-d", plugin], capture_output=True, text=True, check=True).stdout


def main():
    plugin, listed = sys.argv[1:]
    with open(listed) as lines:
        allowed = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    wanted = {name for name in names(plugin, "-u") if name.startswith(("mosquitto_", "mosq"))}
    dynamic = dynamic_section(plugin)
    checks = {
        f"calls only what every broker exports: {sorted(wanted - allowed)}": not wanted - allowed,
        f"the list names nothing that is not called: {sorted(allowed - wanted)}": not allowed - wanted,
        "exports its three entry points and nothing else": names(plugin, "--defined-only") == ENTRY_POINTS,
        "binds its own names to itself (-Bsymbolic)": "SYMBOLIC" in dynamic,
        "stays loaded (nodelete)": "NODELETE" in dynamic,
    }
    print(f"1..{len(checks)}")
    for number, (what, good) in enumerate(checks.items(), 1):
        print("ok" if good else "not ok", number, "-", what)
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
