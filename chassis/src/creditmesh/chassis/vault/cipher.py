"""What is sealed about one person: AES-256-GCM under that person's data key, bound to its place."""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import JsonValue

from creditmesh.chassis.errors import MeshError
from creditmesh.schemas.sealed import Sealed

ALGORITHM = "aes-256-gcm"
KEY = "subject-1"
"""The key id of a sealed value: the first data key of the subject it is about."""
_NONCE = 12


class TamperedSeal(MeshError, ValueError):
    """A sealed value that was altered, or moved from another person, object or field."""


class Cipher:
    """Seals and unseals for one subject; made by `Vault.open`."""

    __slots__ = ("_about", "_gcm", "about")

    def __init__(self, about: UUID, key: bytes) -> None:
        self.about = about
        self._about = str(about)
        self._gcm = AESGCM(key)

    def __repr__(self) -> str:
        return f"Cipher({self._about})"

    def seal(self, data: Mapping[str, JsonValue], *, object: UUID, field: str) -> Sealed:  # noqa: A002 - the contract's word
        """These fields, readable only with this cipher and only as this field of this object."""
        text = self._sealed(data, object, field)
        return Sealed.model_construct(about=self.about, field=field, key=KEY, alg=ALGORITHM, text=text)

    def seal_json(self, data: Mapping[str, JsonValue] | bytes, *, object: UUID, field: str) -> dict[str, JsonValue]:  # noqa: A002
        """The same as `seal`, in the JSON shape of `Sealed`: for bulk paths that build no models.

        `data` may be the JSON text of the fields, where it is made already.
        """
        text = b64encode(self._sealed(data, object, field)).decode("ascii")
        return {"about": self._about, "field": field, "key": KEY, "alg": ALGORITHM, "text": text}

    def unseal(self, sealed: Sealed, *, object: UUID, field: str) -> dict[str, JsonValue]:  # noqa: A002
        """The fields again; Unreadable if anything does not fit."""
        return self._unsealed(sealed.text, object, field)

    def unseal_json(self, sealed: Mapping[str, JsonValue], *, object: UUID, field: str) -> dict[str, JsonValue]:  # noqa: A002
        """The same as `unseal`, from the JSON shape of `Sealed`."""
        return self._unsealed(b64decode(str(sealed["text"])), object, field)

    def _sealed(self, data: Mapping[str, JsonValue] | bytes, place: UUID, field: str) -> bytes:
        nonce = os.urandom(_NONCE)
        text = data if isinstance(data, bytes) else orjson.dumps(data)
        return nonce + self._gcm.encrypt(nonce, text, self._bound(place, field))

    def _unsealed(self, text: bytes, place: UUID, field: str) -> dict[str, JsonValue]:
        try:
            plain = self._gcm.decrypt(text[:_NONCE], text[_NONCE:], self._bound(place, field))
        except (InvalidTag, ValueError) as error:
            raise TamperedSeal("a sealed value does not fit its person, object or field") from error
        fields: dict[str, JsonValue] = orjson.loads(plain)
        return fields

    def _bound(self, place: UUID, field: str) -> bytes:
        return f"{self._about}|{place}|{field}".encode("ascii")
