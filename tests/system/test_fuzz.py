"""The short form of `make fuzz`: generated requests give neither a crash, a hang, a 5xx nor a wrong shape."""

import subprocess
import sys

import pytest

from harness import places


@pytest.mark.parametrize("part, requests", [("control", 3000), ("rest", 1500)])
def test_generated_requests(part, requests):
    command = [sys.executable, "-B", places.ROOT / "tests" / "fuzz" / "run.py", "--only", part, "--requests", str(requests)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_finding_is_written_out_and_sent_again(tmp_path):
    """A desk that dies: the record holds every frame, and the replay dies in the same way."""
    record = tmp_path / "control-1.frames"
    good = b'c{"commands":[{"command":"getServer","token":"ota_%s"}]}' % (b"A" * 43)
    frames = [good, b""]  # a frame without a kind ends the desk
    record.write_bytes(b"".join(len(frame).to_bytes(4, "little") + frame for frame in frames))
    command = [sys.executable, "-B", places.ROOT / "tests" / "fuzz" / "run.py", "--replay", record]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "FAILED again: the desk ended with 1" in done.stdout, done.stdout + done.stderr
