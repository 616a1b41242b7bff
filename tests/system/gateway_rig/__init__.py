"""A gateway under test: the real program, HTTP by hand, and a broker that is all faults on demand.

The stand-in broker is needed because Mosquitto swallows what is published below $CONTROL unless a plugin took the topic; and
because a plugin that is silent, slow or confused cannot be asked for.
"""
