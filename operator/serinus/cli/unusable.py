"""The error of a call that cannot be used. It imports nothing, so that a command pays only for what it needs."""


class Unusable(Exception):
    """An argument that cannot be used; the message is one line."""
