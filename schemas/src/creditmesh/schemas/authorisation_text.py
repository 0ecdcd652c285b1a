"""The signed text of an authorisation: a compact JWS that a node writes, and whoever has it checks.

Pure: signing and verifying are callables over bytes. The text is one shape and one algorithm, so nothing in a token
chooses how it is checked.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creditmesh.schemas.identifiers import Code

TYPE = "creditmesh-authorisation+jws"
_ISSUES = "/query"


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
    """Not an authorisation that its issuer signed."""


def sign(claims: Claims, *, key_id: str, signature: Callable[[bytes], bytes]) -> str:
    """The compact JWS of these claims."""
    header = {"alg": "Ed25519", "kid": key_id, "typ": TYPE}
    head = _encoded(json.dumps(header, separators=(",", ":")).encode())
    signed = f"{head}.{_encoded(claims.model_dump_json(by_alias=True).encode())}"
    return f"{signed}.{_encoded(signature(signed.encode()))}"


def issuer_of(node: str) -> str:
    """Who signs at that node."""
    return f"{node}{_ISSUES}"


def node_of(claims: Claims) -> str:
    """The node that says it signed."""
    return claims.iss.removesuffix(_ISSUES)


def claimed(token: str) -> Claims:
    """What a text says, whoever signed it: for whose keys are to be looked up. NotSignedHere if it is no such text."""
    return _parts(token)[1]


def read(token: str, *, issuer: str, verify: Callable[[str, bytes, bytes], bool]) -> Claims:
    """The claims, if the issuer signed them (`verify(key id, data, signature)`); else NotSignedHere."""
    key, claims, signed, signature = _parts(token)
    if not verify(key, signed, signature):
        raise NotSignedHere("the signature is not the issuer's")
    if claims.iss != issuer:
        raise NotSignedHere("another issuer")
    return claims


def _parts(token: str) -> tuple[str, Claims, bytes, bytes]:
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        raise NotSignedHere("not a compact JWS")
    try:
        header = json.loads(_decoded(parts[0]))
        signature = _decoded(parts[2])
        if not isinstance(header, dict) or (header.get("alg"), header.get("typ")) != ("Ed25519", TYPE):
            raise NotSignedHere("another kind of token")
        if set(header) != {"alg", "kid", "typ"}:
            raise NotSignedHere("a header that no node writes")
        claims = Claims.model_validate_json(_decoded(parts[1]))
    except (Base64Error, UnicodeError, json.JSONDecodeError, ValidationError, RecursionError) as error:
        raise NotSignedHere("not readable") from error
    return str(header["kid"]), claims, f"{parts[0]}.{parts[1]}".encode(), signature


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(data) != text:
        raise NotSignedHere("not written as this node writes it")
    return data
