"""A batch over many devices by expression, prepared and withdrawn in chunks. make bench BENCH=million does it with a million."""

from harness.filled import count, fill
from harness.scenario import PRODUCT
from harness.wait import until

DEVICES = 20000  # a third of a second
WHERE = "name = fleet-* and version < 3.0"


def found(broker):
    """A product with a fleet, and a package for it."""
    broker.start()
    with broker.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT)
        package = operator.add_package(PRODUCT, "2.0.0")["id"]
    broker.stop()
    fill(broker, PRODUCT, DEVICES)
    return package


def cut_off(broker, batch, more, known):
    """kill -9 of a broker that works on a batch, once it has come further; what it had told until then."""
    with broker.start().operator() as operator:
        def look():
            told = operator.ask("getBatch", batch=batch)
            assert more(told) >= known, f"{known} were done before the kill, {more(told)} after it"
            return more(told) if more(told) > known else 0
        done = until(look, "the broker to go on where it was killed")
    broker.kill()
    return done


def made(operator, package):
    return operator.ask("createBatch", package=package, kind="verify", targets={"where": WHERE})["id"]


def test_a_kill_in_its_middle_neither_loses_nor_repeats_a_target_of_a_large_batch(new_broker):
    broker = new_broker()
    package = found(broker)
    with broker.start().operator() as operator:
        batch = made(operator, package)
    broker.kill()
    done = cut_off(broker, batch, lambda told: told["prepared"], 0)
    assert done < DEVICES, "the test comes too late: it is to kill in the middle"
    cut_off(broker, batch, lambda told: told["prepared"], done)
    with broker.start().operator() as operator:
        told = operator.prepared(batch)
        assert told["prepared"] == told["total"] == DEVICES
        assert told["counts"]["pending"] == DEVICES - DEVICES // 50
        assert told["excluded"] == {"already_at_target": DEVICES // 50}
    broker.stop()
    assert count(broker, batch, DEVICES) == (DEVICES - DEVICES // 50, DEVICES // 50)


def test_a_kill_while_a_large_batch_is_withdrawn_leaves_nobody_pending(new_broker):
    broker = new_broker()
    package = found(broker)
    with broker.start().operator() as operator:
        batch = made(operator, package)
        operator.prepared(batch)
        operator.ask("cancelBatch", batch=batch)
    broker.kill()
    cut_off(broker, batch, lambda told: told["counts"]["canceled"], 0)
    with broker.start().operator() as operator:
        until(lambda: operator.ask("getBatch", batch=batch)["counts"]["pending"] == 0, "the rest to be withdrawn", 60)
        told = operator.ask("getBatch", batch=batch)
        assert told["causes"] == {"withdrawn": told["counts"]["canceled"]}
        assert told["counts"]["canceled"] == DEVICES - DEVICES // 50
    broker.stop()
    count(broker, batch, DEVICES)
