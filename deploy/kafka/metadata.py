"""Asks a broker for its metadata over Kafka's own protocol: an open port alone does not mean that it serves."""

import socket
import struct

_METADATA, _VERSION = 3, 4
_NOBODY = -1


def answers(port: int, *, within: float = 2.0) -> bool:
    """Whether the broker on this loopback port knows itself and its controller."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=within) as connection:
            connection.sendall(_request())
            (length,) = struct.unpack(">i", _read(connection, 4))
            return _serves(_read(connection, length))
    except (OSError, struct.error, EOFError):
        return False


def _request() -> bytes:
    client = b"probe"
    header = struct.pack(">hhih", _METADATA, _VERSION, 1, len(client)) + client
    body = struct.pack(">i?", 0, False)  # no topics, and create none
    return struct.pack(">i", len(header) + len(body)) + header + body


def _read(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = connection.recv(size - len(got))
        if not more:
            raise EOFError
        got += more
    return got


def _serves(answer: bytes) -> bool:
    """Correlation id, throttle time, brokers [id, host, port, rack], cluster id, controller id, topics."""
    (brokers,) = struct.unpack_from(">i", answer, 8)
    at = 12
    for _ in range(brokers):
        at = _after_text(answer, at + 4) + 4
        at = _after_text(answer, at)
    at = _after_text(answer, at)
    (controller,) = struct.unpack_from(">i", answer, at)
    return brokers > 0 and controller != _NOBODY


def _after_text(answer: bytes, at: int) -> int:
    (length,) = struct.unpack_from(">h", answer, at)
    return at + 2 + max(length, 0)
