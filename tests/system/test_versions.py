"""The same mosquitto_ota.so on every Mosquitto it claims to run on: 2.0.11, a later 2.0, and 2.1."""

import pytest

from harness import releases, sanitizer, story
from harness.mqtt import Refused


def release(name):
    """The broker of that name, or a skip that says why not."""
    if name != "installed" and sanitizer.chosen():
        pytest.skip(f"Mosquitto {name}: it brings its own C library, which the sanitizer's runtime is not made for")
    try:
        return releases.installed() if name == "installed" else releases.fetched(name)
    except releases.Unavailable as reason:
        pytest.skip(f"Mosquitto {name}: {reason}")


@pytest.fixture(params=["installed", *releases.SOURCES])
def old_and_new(request, new_broker):
    return new_broker(release=release(request.param), restless=False).start()


def test_document_004(old_and_new):
    with old_and_new.operator() as operator:
        story.play(old_and_new, operator)


def test_killed_and_restarted(old_and_new):
    with old_and_new.operator() as operator:
        task = story.play(old_and_new, operator)
    old_and_new.restart(kill=True)
    with old_and_new.operator() as operator:
        assert operator.ask("getTask", task=task["id"])["state"] == "succeeded"
        told = operator.ask("getDevice", productKey=task["productKey"], deviceName=task["deviceName"])
        assert operator.version_in(told) == story.NEW
        assert not told["online"]


def test_second_connection_of_an_identity_replaces_the_first(old_and_new):
    """Each release tells the plugin about connections in another order."""
    first = old_and_new.client("one|securemode=3|", "dn&pk", "x").connect()
    second = old_and_new.client("two|securemode=3|", "dn&pk", "x").connect()
    first.wait_closed()
    second.fence()
    second.disconnect()


def test_client_id_of_another_device_is_refused(old_and_new):
    holder = old_and_new.client("one|securemode=3|", "dn&pk", "x").connect()
    with pytest.raises(Refused):
        old_and_new.client("one|securemode=3|", "other&pk", "x").connect()
    holder.fence()
    holder.disconnect()
