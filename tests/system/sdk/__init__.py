"""The clients of other houses, scripted from their description and from what they were seen to do on the wire: what each sends to
connect, what it subscribes to and in which order, how it reads a push, how it fetches, what it reports, and that it stays silent
after a reconnect. No code of theirs is here.
"""

from .clients import C3, C4, CLIENTS, Document004, Node, SdkDevice  # noqa: F401
