"""The soak: a fleet under constant batches, with one misfortune after the other, and a reckoning at the end. `make soak` runs
it; see __main__.py."""
