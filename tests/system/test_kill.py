"""kill -9 of the broker under load: what was acknowledged is in the store, and the end is the same as without a kill."""

import sqlite3

import pytest

from harness.killing import Fleet, Plan, lost, prepare, run


def check_store(broker):
    """The database itself, after the broker has ended."""
    broker.stop()
    with sqlite3.connect(f"file:{broker.store_dir / 'ota.db'}?mode=ro", uri=True) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert store.execute("PRAGMA foreign_key_check").fetchall() == []


def start(new_broker, name):
    """A push that was lost with the broker is repeated soon."""
    return new_broker(name, options={"repush": "300ms", "repush_max": "1s"}).start()


def run_twice(new_broker, plan):
    """(with kills, without)."""
    killed_broker, calm_broker = start(new_broker, "killed"), start(new_broker, "calm")
    killed = run(killed_broker, plan)
    calm = run(calm_broker, plan._replace(kills=0))
    check_store(killed_broker)
    return killed, calm


def test_no_acknowledged_report_is_lost(new_broker):
    plan = Plan(seed=20261120, kills=5, devices=16, modules=12)
    killed, calm = run_twice(new_broker, plan)
    assert not killed.lost
    assert not killed.wrong
    assert killed.kills == 5
    assert killed.acknowledged >= plan.devices * (plan.modules + 1)
    assert killed.outcome == calm.outcome
    assert {state for _, _, state, _ in killed.outcome} == {"succeeded", "failed"}


def test_reports_at_qos_0_converge(new_broker):
    """QoS 0 may be lost at a kill; devices that say their version again after a reconnect end where they should."""
    broker = start(new_broker, "broker")
    plan = Plan(seed=7, kills=3, devices=8, modules=0, qos=0)
    with broker.operator() as operator:
        prepare(broker, operator, plan)
    fleet = Fleet(broker, plan)
    fleet.run()
    fleet.kill()
    fleet.run()
    with broker.operator() as operator:
        assert not lost(operator, fleet.reporters)
    fleet.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_hundred_kills(new_broker, seed):
    plan = Plan(seed=seed, kills=100, devices=200, modules=14)
    killed, calm = run_twice(new_broker, plan)
    assert not killed.lost and not killed.wrong
    assert killed.acknowledged >= 3000
    assert killed.outcome == calm.outcome
