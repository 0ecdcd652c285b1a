"""The node's keys: files outside the database, each process holding only those its service declares.

A key is a file `<id>.key` (0600, JSON) in one folder; the public half of a key pair is a file `<id>.pub` beside it. The
id begins with the key's name. Several keys of the names in `RENEWED` may stand side by side: the newest is used, older
ones still open, verify and unwrap what they made, because that carries its key's id. What an HMAC key makes is found
again by its value alone, and another key makes another value: of such a name there is one key for the life of the node.
"""

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self, get_args

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from joserfc.jwk import OKPKey

from creditmesh.chassis.errors import MeshError

KeyName = Literal["index", "data", "fingerprint", "node", "feed", "token", "credential"]
NAMES: tuple[KeyName, ...] = get_args(KeyName)
ALGORITHMS: dict[KeyName, str] = {
    "index": "hmac-sha256",
    "data": "aes-256-gcm",
    "fingerprint": "hmac-sha256",
    "node": "ed25519",
    "feed": "x25519",
    "token": "ed25519",
    "credential": "hmac-sha256",
}
_HMAC = "hmac-sha256"
RENEWED: tuple[KeyName, ...] = tuple(name for name in NAMES if ALGORITHMS[name] != _HMAC)
"""The names of which a newer key may stand beside an older one."""
_NONCE = 12


class KeyMissing(MeshError, LookupError):
    """A key that this process was not given, or that the folder does not have; the message says what to do."""


class TwoKeys(MeshError):
    """Two keys of a name of which there may be one; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    id: str
    name: KeyName
    made: str
    secret: bytes

    def __repr__(self) -> str:
        return f"_Key({self.id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicHalf:
    """The public half of one of the node's key pairs."""

    id: str
    name: KeyName
    made: str
    raw: bytes
    """32 bytes."""


class Keys:
    """The keys of one process. Printed, it shows ids and never a key."""

    def __init__(self, keys: Iterable[_Key], public: Iterable[PublicHalf]) -> None:
        self._keys = {key.id: key for key in sorted(keys, key=lambda key: key.made)}
        self._public = {key.id: key for key in sorted(public, key=lambda key: key.made)}
        self._current = {key.name: key for key in self._keys.values()}
        # Copying a keyed state takes a third of the time of `hmac.digest`, which keys it anew; that of the standard
        # library takes two thirds.
        self._macs = {
            name: HMAC(key.secret, SHA256()) for name, key in self._current.items() if ALGORITHMS[name] == _HMAC
        }
        self._signer: Ed25519PrivateKey | None = None
        if "node" in self._current:
            self._signer = Ed25519PrivateKey.from_private_bytes(self._current["node"].secret)
        self._wrappers = {key.id: AESGCM(key.secret) for key in self._keys.values() if key.name == "data"}

    def __repr__(self) -> str:
        return f"Keys({', '.join(self._keys)})"

    @classmethod
    def create(cls, directory: Path, names: Collection[KeyName] = NAMES) -> list[Path]:
        """Make each named key that the folder does not have yet. Returns the files made."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [
            path for name in NAMES if name in names and not any(directory.glob(f"{name}-*.key"))
            for path in _made(directory, name)
        ]  # fmt: skip

    @classmethod
    def renew(cls, directory: Path, name: KeyName) -> list[Path]:
        """Make one more key of that name, which processes use from their next start. Returns the files made.

        TwoKeys for a name of which there may be one.
        """
        if name not in RENEWED:
            raise TwoKeys(f"A key {name} is never renewed: what it made would not be found again.")
        return _made(directory, name)

    @classmethod
    def load(cls, directory: Path, names: Collection[KeyName]) -> Self:
        """Read the named keys and all public halves, and nothing else.

        KeyMissing where one is not there; PermissionError where a key file is open to others; TwoKeys where two of
        them are of a name of which there may be one.
        """
        keys = [_read(path, name) for name in sorted(names) for path in sorted(directory.glob(f"{name}-*.key"))]
        _refuse_two(keys, directory)
        missing = sorted(set(names) - {key.name for key in keys})
        if missing:
            raise KeyMissing(f"No key {', '.join(missing)} in {directory}: run `creditmesh-node keys create`.")
        return cls(keys, [_read_public(path) for path in sorted(directory.glob("*.pub"))])

    def key_id(self, name: KeyName) -> str:
        """The id of the key in use under that name, to be stored beside what it makes."""
        return self._held(name).id

    def algorithm(self, name: KeyName) -> str:
        """The algorithm's id, to be stored beside what the key makes."""
        return ALGORITHMS[name]

    def mac(self, name: KeyName, data: bytes) -> bytes:
        """HMAC-SHA256 of the data, 32 bytes (keys `index`, `fingerprint`, `credential`)."""
        keyed = self._macs.get(name)
        if keyed is None:
            raise KeyMissing(f"This process does not hold an HMAC key {name!r}: its service does not declare it.")
        code = keyed.copy()
        code.update(data)
        return code.finalize()

    def sign(self, data: bytes) -> bytes:
        """The node's Ed25519 signature, 64 bytes."""
        if self._signer is None:
            raise KeyMissing("This process does not hold the key 'node': its service does not declare it.")
        return self._signer.sign(data)

    def agree(self, ephemeral: bytes, *, key: str) -> tuple[bytes, bytes]:
        """What X25519 agrees between a sender's public half and our `feed` key of that id, and that key's public half.

        KeyMissing if this process does not hold it.
        """
        held = self._keys.get(key)
        if held is None or held.name != "feed":
            raise KeyMissing(f"This process does not hold the key {key!r}.")
        private = X25519PrivateKey.from_private_bytes(held.secret)
        agreed = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        return agreed, private.public_key().public_bytes_raw()

    def verify(self, data: bytes, signature: bytes, *, key: str | None = None) -> bool:
        """Whether this node made the signature, with the key of that id (None: with any of its keys)."""
        known = [public for public in self._public.values() if public.name == "node" and key in (None, public.id)]
        return any(verified(data, signature, public=public.raw) for public in known)

    def public(self, name: KeyName) -> PublicHalf:
        """The public half of the newest key pair of that name; every process has them all."""
        found = self.public_halves(name)
        if not found:
            raise KeyMissing(f"There is no public half of a key {name!r}.")
        return found[-1]

    def public_halves(self, name: KeyName) -> list[PublicHalf]:
        """The public halves of all key pairs of that name, the oldest first."""
        return [public for public in self._public.values() if public.name == name]

    def token_key(self) -> OKPKey:
        """The key that signs internal tokens, as a JWK with its id (the gateway's)."""
        key = self._held("token")
        return OKPKey.import_key({**_jwk(self._public[key.id]), "d": _text(key.secret)})

    def token_public_keys(self) -> dict[str, OKPKey]:
        """The keys that verify internal tokens, as JWKs by their ids."""
        return {public.id: OKPKey.import_key(_jwk(public)) for public in self.public_halves("token")}

    def wrap(self, secret: bytes, *, context: bytes) -> bytes:
        """Encrypt a data key under the node's `data` key; the context is bound to it."""
        nonce = os.urandom(_NONCE)
        return nonce + self._wrappers[self._held("data").id].encrypt(nonce, secret, context)

    def unwrap(self, wrapped: bytes, *, context: bytes, key: str) -> bytes:
        """Undo `wrap` with the key of that id; cryptography's InvalidTag if anything was altered."""
        wrapper = self._wrappers.get(key)
        if wrapper is None:
            raise KeyMissing(f"This process does not hold the key {key!r}.")
        return wrapper.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)

    def _held(self, name: KeyName) -> _Key:
        key = self._current.get(name)
        if key is None:
            raise KeyMissing(f"This process does not hold the key {name!r}: its service does not declare it.")
        return key


def verified(data: bytes, signature: bytes, *, public: bytes) -> bool:
    """Whether the Ed25519 signature is of this data by this public key (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _refuse_two(keys: Sequence[_Key], directory: Path) -> None:
    for name in NAMES:
        found = [key.id for key in sorted(keys, key=lambda key: key.made) if key.name == name]
        if name not in RENEWED and len(found) > 1:
            raise TwoKeys(
                f"{len(found)} keys {name} in {directory}: {', '.join(found)}. What one of them made is not found by "
                f"another. Move away all but {found[0]}, the oldest, which is the one that the node has used."
            )


def _made(directory: Path, name: KeyName) -> list[Path]:
    key_id = f"{name}-{secrets.token_hex(4)}"
    about = {"id": key_id, "name": name, "alg": ALGORITHMS[name], "made": datetime.now(UTC).isoformat()}
    secret = secrets.token_bytes(32)
    public = _public_half(name, secret)
    files = []
    if public is not None:
        files.append(_written(directory / f"{key_id}.pub", {**about, "public": _text(public)}, mode=0o644))
    return [_written(directory / f"{key_id}.key", {**about, "secret": _text(secret)}, mode=0o600), *files]


def _public_half(name: KeyName, secret: bytes) -> bytes | None:
    match ALGORITHMS[name]:
        case "ed25519":
            return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        case "x25519":
            return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        case _:
            return None


def _written(path: Path, content: dict[str, str], *, mode: int) -> Path:
    # Whole or not at all: a key file cut short by a crash would be taken for the key.
    making = path.with_suffix(".making")
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(json.dumps(content, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    making.rename(path)
    return path


def _read(path: Path, name: KeyName) -> _Key:
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"The key file {path} is open to others: make it 0600, and consider the key known.")
    content = json.loads(path.read_text(encoding="ascii"))
    return _Key(id=content["id"], name=name, made=content["made"], secret=_bytes(content["secret"]))


def _read_public(path: Path) -> PublicHalf:
    content = json.loads(path.read_text(encoding="ascii"))
    return PublicHalf(id=content["id"], name=content["name"], made=content["made"], raw=_bytes(content["public"]))


def _jwk(key: PublicHalf) -> dict[str, str | list[str]]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _text(key.raw), "kid": key.id, "alg": "Ed25519"}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
