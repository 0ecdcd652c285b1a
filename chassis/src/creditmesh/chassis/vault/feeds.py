"""A feed's key: made by its sender, wrapped to each node that may read the feed, and what it seals.

Wrapping is ephemeral X25519 to the node's `feed` key, HKDF-SHA256, AES-256-GCM, so that either end opens the feed with
its own private key alone. A feed's key seals the personal fields of entries, bound to their place in the feed.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from creditmesh.chassis.vault.cipher import TamperedSeal
from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.exchange import FeedSealed, Wrapped

WRAPPING = "x25519-hkdf-sha256-aes-256-gcm"
SEALING = "aes-256-gcm"
_NONCE = 12
_INFO = b"creditmesh feed key"


class FeedCipher:
    """Seals and unseals under one key of one feed. `place` is what the value is bound to."""

    __slots__ = ("_gcm", "key")

    def __init__(self, key: str, secret: bytes) -> None:
        self.key = key
        self._gcm = AESGCM(secret)

    def __repr__(self) -> str:
        return f"FeedCipher({self.key})"

    def seal(self, data: Mapping[str, Any], *, place: str) -> dict[str, str]:
        """The data in the JSON shape of `schemas.exchange.FeedSealed`."""
        nonce = os.urandom(_NONCE)
        text = nonce + self._gcm.encrypt(nonce, orjson.dumps(data), place.encode("ascii"))
        return {"key": self.key, "alg": SEALING, "text": b64encode(text).decode("ascii")}

    def unseal(self, sealed: FeedSealed, *, place: str) -> dict[str, Any]:
        """The data again; Unreadable if it was altered or moved."""
        try:
            plain = self._gcm.decrypt(sealed.text[:_NONCE], sealed.text[_NONCE:], place.encode("ascii"))
        except (InvalidTag, ValueError) as error:
            raise TamperedSeal("a sealed value does not fit its feed or its entry") from error
        data: dict[str, Any] = orjson.loads(plain)
        return data


def wrap(secret: bytes, *, node: str, key: str, public: bytes, feed: str) -> dict[str, str]:
    """A feed's key for one node, in the JSON shape of `schemas.exchange.Wrapped`. `feed` is the feed's origin."""
    ephemeral = X25519PrivateKey.generate()
    sent = ephemeral.public_key().public_bytes_raw()
    agreed = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    nonce = os.urandom(_NONCE)
    text = nonce + AESGCM(_derived(agreed, sent, public)).encrypt(nonce, secret, f"{feed}|{node}".encode("ascii"))
    return {
        "node": node,
        "key": key,
        "alg": WRAPPING,
        "ephemeral": b64encode(sent).decode("ascii"),
        "text": b64encode(text).decode("ascii"),
    }


def unwrap(keys: Keys, wrapped: Wrapped, *, feed: str) -> bytes:
    """The feed's key, with this node's private `feed` key. Unreadable if it was altered; KeyMissing if not ours."""
    agreed, public = keys.agree(wrapped.ephemeral, key=wrapped.key)
    derived = _derived(agreed, wrapped.ephemeral, public)
    try:
        return AESGCM(derived).decrypt(
            wrapped.text[:_NONCE], wrapped.text[_NONCE:], f"{feed}|{wrapped.node}".encode("ascii")
        )
    except (InvalidTag, ValueError) as error:
        raise TamperedSeal("a feed's key was not wrapped to this node") from error


def raw(text: str) -> bytes:
    """The bytes of a public key as a party's row has it."""
    return b64decode(text)


def _derived(agreed: bytes, ephemeral: bytes, public: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=ephemeral + public, info=_INFO).derive(agreed)
