"""A tenth of a fleet cannot burn the image: what the default abort rule stops, and what a canary stage keeps it from."""

import hashlib
import time

import pytest

from gateway_rig.process import PROGRAM
from harness.scenario import PRODUCT
from harness.wait import until
from soak.crowd import Crowd
from soak.orders import Rest
from soak.rig import Rig

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no gateway at {PROGRAM}: build first")

DEVICES = 300


class Fleet:
    def __init__(self, home):
        self.bad = set()
        self.rig = Rig(home, agents=0)
        self.crowd = Crowd(self.rig.broker.port, DEVICES, seed=0, patient=False, absence=0, draw=self._draw)

    def _draw(self, member):
        return "cannot burn" if member.name in self.bad else "succeeds"

    def start(self):
        self.rig.start()
        self.rest = Rest(self.rig.gateway, self.rig.broker.admin_token())
        self.rest.order("createProduct", productKey=PRODUCT)
        self.rest.order("registerDevices", productKey=PRODUCT, names=[member.name for member in self.crowd.members])
        percent = self.rest.pages(f"/api/v1/devices?productKey={PRODUCT}&where=percent%20%3C%201")
        self.canary = {row["deviceName"] for row in percent}
        # A tenth of all, one of the canary among them: a canary in which nobody fails says nothing.
        digit = min(self.canary)[-1]
        self.bad = {member.name for member in self.crowd.members if member.name.endswith(digit)}
        self.crowd.start()
        return self

    def close(self):
        self.crowd.stop()
        self.rig.close()

    def roll_out(self, version, **strategy):
        """Until the batch stops by itself. Returns it and the seconds that took."""
        image = b"image of\0" + version.encode()
        query = f"productKey={PRODUCT}&version={version}&sha256={hashlib.sha256(image).hexdigest()}"
        package = self.rest.upload(f"/api/v1/packages?{query}", image)
        began = time.monotonic()
        batch = self.rest.order("createBatch", package=package["id"], kind="static", override=True, reason="rehearsal",
                                targets={"all": True}, strategy=strategy)["id"]
        until(lambda: self.show(batch)["state"] == "paused", "the batch to pause by itself", 60)
        return self.show(batch), time.monotonic() - began

    def show(self, batch):
        return self.rest.get(f"/api/v1/batches/{batch}")

    def touched(self, version):
        """Who was sent it, as the devices themselves know."""
        return {member.name for member in self.crowd.members if any(act.version == version for act in member.acts)}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    made = Fleet(tmp_path_factory.mktemp("canary") / "rig")
    try:
        yield made.start()
    finally:
        made.close()


def ended(batch):
    return batch["counts"]["failed"] + batch["causes"].get("version_reported", 0)


def test_with_a_canary_stage_no_device_outside_it_is_touched(fleet):
    batch, seconds = fleet.roll_out("2.1.0", stages=[{"percent": 1}])
    print(f"canary of 1 %: {len(fleet.canary)} of {DEVICES} devices were sent it, {batch['counts']['failed']} failed,"
          f" paused after {seconds:.1f} s: {batch['reason']}")
    assert batch["reason"].startswith("stage 1 of 2 stands still: nothing of it is open any more")
    assert fleet.touched("2.1.0") == fleet.canary
    assert batch["stages"][1]["state"] == "waiting" and batch["stages"][1]["open"] == DEVICES - len(fleet.canary)
    assert not fleet.crowd.complaints
    fleet.rest.order("cancelBatch", batch=batch["id"])
    until(lambda: fleet.show(batch["id"]).get("endedAt"), "the batch to end")


def test_a_fleet_of_which_a_tenth_fails_pauses_its_batch_by_the_default_rule(fleet):
    batch, seconds = fleet.roll_out("2.2.0")
    print(f"{len(fleet.bad)} of {DEVICES} devices fail at burning: paused after {seconds:.1f} s,"
          f" when {len(fleet.touched('2.2.0'))} had been sent it: {batch['reason']}")
    assert batch["reason"].startswith("the abort rule fired: ")
    assert batch["causes"].keys() & {"burn_failed"} and ended(batch) >= 10
    assert not fleet.crowd.complaints
