"""Checks Ed25519 signatures of nodes, with the public keys that their rows in the catalogue have."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = "ed25519"


def holds(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether this key signed these bytes; False also of a key or a signature that is none."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def raw(text: str) -> bytes:
    """The bytes of a key or a signature in base64; of what is none, bytes that nothing verifies with.

    Only the one spelling that an encoder gives is base64: the last character has bits that a decoder leaves out.
    """
    try:
        found = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return b""
    return found if b64encode(found) == text.encode() else b""
