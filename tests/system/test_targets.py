"""Target expressions, ota-targets(7): which devices an operator means. What they mean is held by the unit tests of
plugin/rules/target.h and plugin/store/target.h; here they go the whole way."""

import pytest

from harness.scenario import PRODUCT

FLEET = {"lab-1": ("1.0.0", "eu"), "lab-2": ("1.9.0", "us"), "lab-3": ("1.10.0", "eu"), "field-1": ("2.0.0", "eu")}
EVERYWHERE = [*sorted(FLEET), "silent"]


@pytest.fixture
def fleet(operator, make_scenario):
    scenario = make_scenario(*EVERYWHERE)
    for name, (version, region) in FLEET.items():
        scenario.device(name, version)
        operator.ask("tagDevices", productKey=PRODUCT, names=[name], set={"region": region})
        operator.wait_version(PRODUCT, name, version)
    return scenario


def found(operator, where, **more):
    return [each["deviceName"] for each in operator.pages("listDevices", productKey=PRODUCT, where=where, **more)]


def test_devices_are_listed_by_an_expression(operator, fleet):
    for where, names in {
        "version < 1.10": ["lab-1", "lab-2"],
        "not version < 1.10": ["field-1", "lab-3", "silent"],
        "tag.region = eu and name = lab-*": ["lab-1", "lab-3"],
        "tag.region != eu": ["lab-2", "silent"],
        "(version = 2.0.0 or version = 1.0.0) and not name in (field-1)": ["lab-1"],
        "percent >= 0": EVERYWHERE,
        "seen > 1m": ["silent"],
    }.items():
        assert found(operator, where) == names, where
        assert found(operator, where, limit=1) == names, where
    assert found(operator, "name = *", online=False) == ["silent"]


def test_a_wrong_expression_is_refused_with_its_column(operator, make_scenario):
    make_scenario()
    refused = operator.refused("listDevices", productKey=PRODUCT, where="version < 2 nad name = a")
    assert (refused.code, refused.path) == ("invalid", "where")
    assert refused.message == 'column 13: expected and, or, or the end, found "nad"'
    both = operator.refused("listDevices", productKey=PRODUCT, where="version < 2", version="1.0.0")
    assert both.message == "where stands alone: write version and tag into the expression"


def test_a_batch_goes_to_whom_its_expression_means(operator, fleet):
    package = fleet.package("3.0.0")
    where = "tag.region = eu and version < 2.0"
    plan = operator.ask("createBatch", package=package["id"], kind="verify", targets={"where": where}, dryRun=True)
    assert (plan["matches"], plan.get("estimated")) == (2, None)
    assert not list(operator.pages("listBatches"))
    made = operator.ask("createBatch", package=package["id"], kind="verify", targets={"where": where})
    assert made["where"] == where
    batch = operator.prepared(made["id"])
    assert (batch["total"], batch["state"]) == (2, "running")
    assert sorted(each["deviceName"] for each in operator.pages("listTasks", batch=batch["id"])) == ["lab-1", "lab-3"]


def test_a_conflict_ends_a_batch_by_expression_before_anything_is_sent(operator, fleet):
    busy = fleet.batch(fleet.package("3.0.0"), ["lab-2"])
    package = fleet.package("4.0.0")
    order = {"package": package["id"], "kind": "verify", "targets": {"where": "name = lab-*"}}
    made = operator.ask("createBatch", **order)
    ended = operator.wait_batch(made["id"], state="canceled")
    assert ended["reason"] == ("a device has an unfinished task of this module: lab-2; onConflict skip leaves such devices out,"
                               " supersede takes them over")
    none = dict.fromkeys(["pending", "pushed", "upgrading", "succeeded", "failed"], 0)
    operator.wait_batch(made["id"], counts={**none, "canceled": 1})
    assert {each["attempt"] for each in operator.pages("listTasks", batch=made["id"])} == {0}
    skipping = operator.prepared(operator.ask("createBatch", onConflict="skip", **order)["id"])
    assert (skipping["excluded"]["conflict"], skipping["counts"]["canceled"]) == (1, 0)
    assert busy["state"] == "running"


def test_an_expression_that_means_nobody_ends_at_once(operator, fleet):
    package = fleet.package("3.0.0")
    made = operator.ask("createBatch", package=package["id"], kind="verify", targets={"where": "name = nobody-*"})
    assert operator.wait_batch(made["id"], state="completed")["total"] == 0
