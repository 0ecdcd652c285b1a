"""What a subject permitted a bureau: immutable claims in a signed compact JWS, and whether they hold for a query.

Pure: signing and verifying are callables over bytes. The text is one shape and one algorithm, so nothing in a token
chooses how it is checked.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.queries import AuthorisationState

TYPE = "creditmesh-authorisation+jws"
LONGEST = timedelta(days=366)
"""The longest an authorisation may hold; then the subject is asked again."""


class Claims(BaseModel):
    """What is signed. `sub` is a handle for this bureau only, never an identity number and never the node's own id."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    ver: Literal[1] = 1
    iss: str
    jti: UUID
    iat: int
    sub: str
    grantee: Code
    purpose: Code
    items: tuple[Code, ...]
    valid_from: date = Field(alias="from")
    valid_until: date = Field(alias="until")
    """The first day on which it holds no more."""
    max_uses: int


class NotSignedHere(ValueError):
    """Not an authorisation that this node signed."""


def sign(claims: Claims, *, key_id: str, signature: Callable[[bytes], bytes]) -> str:
    """The compact JWS of these claims."""
    header = {"alg": "Ed25519", "kid": key_id, "typ": TYPE}
    head = _encoded(json.dumps(header, separators=(",", ":")).encode())
    signed = f"{head}.{_encoded(claims.model_dump_json(by_alias=True).encode())}"
    return f"{signed}.{_encoded(signature(signed.encode()))}"


def read(token: str, *, issuer: str, verify: Callable[[str, bytes, bytes], bool]) -> Claims:
    """The claims, if this node signed them with a key it knows (`verify(key id, data, signature)`); else Unreadable."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        raise NotSignedHere("not a compact JWS")
    try:
        header = json.loads(_decoded(parts[0]))
        signature = _decoded(parts[2])
        if not isinstance(header, dict) or (header.get("alg"), header.get("typ")) != ("Ed25519", TYPE):
            raise NotSignedHere("another kind of token")
        if set(header) != {"alg", "kid", "typ"}:
            raise NotSignedHere("a header this node does not write")
        if not verify(str(header["kid"]), f"{parts[0]}.{parts[1]}".encode(), signature):
            raise NotSignedHere("the signature is not this node's")
        claims = Claims.model_validate_json(_decoded(parts[1]))
    except (Base64Error, UnicodeError, json.JSONDecodeError, ValidationError, RecursionError) as error:
        raise NotSignedHere("not readable") from error
    if claims.iss != issuer:
        raise NotSignedHere("another issuer")
    return claims


def holds(claims: Claims, *, bureau: str | None, purpose: str, on: date) -> bool:
    """Whether the claims permit this bureau a query for this purpose on this day (uses are counted by the row)."""
    return claims.grantee == bureau and claims.purpose == purpose and claims.valid_from <= on < claims.valid_until


def state(claims: Claims, *, uses: int, revoked_at: datetime | None, on: date) -> AuthorisationState:
    """What has become of it on this day."""
    if revoked_at is not None:
        return "revoked"
    if on >= claims.valid_until:
        return "expired"
    if uses >= claims.max_uses:
        return "used_up"
    return "active" if on >= claims.valid_from else "not_yet"


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(data) != text:
        raise NotSignedHere("not written as this node writes it")
    return data
