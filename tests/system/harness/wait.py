"""Waiting: for an event, with a deadline."""

import time

DEADLINE = 15.0  # seconds; generous, because a loaded machine is no fault of the tested program
PAUSE = 0.01  # between two looks at something that cannot tell by itself


class Late(AssertionError):
    """The event did not come before the deadline."""


def until(look, what, timeout=DEADLINE):
    """Calls look() until it gives something true and returns that. `what` names the event in the message of a failure."""
    end = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= end:
            raise Late(f"not within {timeout:g} s: {what}; last seen: {seen!r}")
        time.sleep(PAUSE)
