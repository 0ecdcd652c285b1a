"""The signed text of an authorisation: a compact JWS that a node writes, and whoever has it checks.

Pure: signing and verifying are callables over bytes. The text is one shape and one algorithm, so nothing in a token
chooses how it is checked.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from creditmesh.schemas.identifiers import Code

TYPE: Literal["creditmesh-authorisation+jws"] = "creditmesh-authorisation+jws"
_ISSUES = "/query"
_Issuer = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}/query$")]
_Handle = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
"""Both are said to people before anybody knows who signed."""


class Claims(BaseModel):
    """What is signed. `sub` is a handle for this bureau only, never an identity number and never the node's own id."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    ver: Literal[1] = 1
    iss: _Issuer
    jti: UUID
    iat: int
    sub: _Handle
    grantee: Code
    purpose: Code
    items: tuple[Code, ...]
    valid_from: date = Field(alias="from")
    valid_until: date = Field(alias="until")
    """The first day on which it holds no more."""
    max_uses: int


class _Header(BaseModel):
    """What stands before the claims: nothing in it is to be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alg: Literal["Ed25519"]
    kid: _Handle
    typ: Literal["creditmesh-authorisation+jws"]


class NotSignedHere(ValueError):
    """Not an authorisation that its issuer signed."""


def sign(claims: Claims, *, key_id: str, signature: Callable[[bytes], bytes]) -> str:
    """The compact JWS of these claims."""
    head = _encoded(_Header(alg="Ed25519", kid=key_id, typ=TYPE).model_dump_json().encode())
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
        header = _Header.model_validate_json(_decoded(parts[0]))
        signature = _decoded(parts[2])
        claims = Claims.model_validate_json(_decoded(parts[1]))
    except ValueError as error:
        raise NotSignedHere("not readable") from error
    return header.kid, claims, f"{parts[0]}.{parts[1]}".encode(), signature


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(data) != text:
        raise NotSignedHere("not written as this node writes it")
    return data
