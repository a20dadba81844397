"""Owns one question to the cluster's DNS, asked from the host through the Service's address.

It must not be a resolver: it only tells whether the chain of kube-proxy, pod network and CoreDNS works.
"""

import secrets
import socket
import struct

PORT = 53
TYPE_A, CLASS_IN = 1, 1
HEADER = struct.Struct("!6H")


def answers(server: str, name: str) -> bool:
    """Tell whether `server` has an address for `name`; OSError when nobody answers within a second."""
    identity = secrets.randbelow(1 << 16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1.0)
        sock.connect((server, PORT))
        sock.send(question(identity, name))
        return has_answer(identity, sock.recv(512))


def question(identity: int, name: str) -> bytes:
    """Return a query for the IPv4 address of a name (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    return HEADER.pack(identity, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", TYPE_A, CLASS_IN)


def has_answer(identity: int, message: bytes) -> bool:
    """Tell whether a message is the answer to the query of that identity, without an error, with an address."""
    if len(message) < HEADER.size:
        return False
    got, flags, _, answer_count, _, _ = HEADER.unpack_from(message)
    return bool(got == identity and flags & 0x8000 and flags & 0x000F == 0 and answer_count > 0)
