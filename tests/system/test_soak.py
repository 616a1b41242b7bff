"""The short form of `make soak`: some seconds of it, with one misfortune after the other."""

import random

import pytest

from gateway_rig.process import PROGRAM
from soak.__main__ import Soak, short_plan

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no gateway at {PROGRAM}: build first")


def test_every_task_ends_with_a_true_cause_whatever_happens_meanwhile(tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    result = Soak(tmp_path / "soak", short_plan(seed), print).run()
    print(result.line())
    assert not result.wrong, "\n".join(result.wrong)
    assert result.faults >= 5 and len(result.tasks) >= 20
