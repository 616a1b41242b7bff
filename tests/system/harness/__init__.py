"""What system tests stand on: a real broker, raw MQTT clients, an operator, devices, and the schemas that watch them all.

The standard library only. Nothing here sleeps to let something happen: every wait names an event and a deadline.
"""
