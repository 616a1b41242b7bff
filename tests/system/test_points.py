"""What would break a careless server: fifteen points, found with real Alibaba Cloud clients. Each is held by a test that has its
number in its name: "aliyun_0_08_...", "point_0_08_...".
"""

import re

import pytest

from harness import places

pytestmark = pytest.mark.needs_no_plugin

POINTS = 15
NAMED = re.compile(r"(?:^def test_\w*?|^Test\(\w+, \w*?)(?:aliyun|point)_0_(\d\d)_", re.MULTILINE)


def test_each_of_the_fifteen_points_is_held_by_a_test_of_its_number():
    sources = [*(places.ROOT / "tests").rglob("test_*.py"), *(places.ROOT / "tests").rglob("test_*.c")]
    held = {int(number) for source in sources for number in NAMED.findall(source.read_text())}
    assert held == set(range(1, POINTS + 1))
