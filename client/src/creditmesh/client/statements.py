"""Checks receipts, acknowledgements and authorisations off line: that a node signed them, and what they say.

None has the node's key in it. It is given, as the node publishes it in its row of the catalogue, or is one that was
pinned for that node before.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.client.signatures import holds, raw
from creditmesh.schemas import authorisation_text
from creditmesh.schemas.authorisation_text import Claims, NotSignedHere
from creditmesh.schemas.signed import BadSignature, SignedText, Statement, read

S = TypeVar("S", bound=Statement)
M = TypeVar("M", bound=BaseModel)
C_co = TypeVar("C_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True, slots=True)
class Checked(Generic[C_co]):
    """What was signed, and the key, in base64, that was believed."""

    statement: C_co
    public: str


def check_statement(model: type[S], signed: SignedText, *, node: str, believed: Collection[str]) -> Checked[S]:
    """What the node signed with one of these keys. Unverified if none of them did; Unsendable if there is none."""
    return _signed_by(node, believed, lambda key: read(model, signed, public=lambda _: key, verify=holds))


def check_authorisation(token: str, *, node: str, believed: Collection[str]) -> Checked[Claims]:
    """What the node signed for a person; errors as above."""

    def by(key: bytes) -> Claims:
        issuer = authorisation_text.issuer_of(node)
        try:
            return authorisation_text.read(token, issuer=issuer, verify=lambda _, data, given: holds(key, data, given))
        except NotSignedHere:
            raise BadSignature from None

    return _signed_by(node, believed, by)


def _signed_by(node: str, believed: Collection[str], by: Callable[[bytes], M]) -> Checked[M]:
    if not believed:
        raise Unsendable(
            f"The key of {node} is needed: give it with --public, as its row of GET /v1/catalogue/parties has it.",
            f"需要 {node} 节点的公钥：请用 --public 提供其在 GET /v1/catalogue/parties 中公布的公钥。",
        )
    for public in believed:
        try:
            return Checked(by(raw(public)), public)
        except BadSignature:
            continue
        except ValueError:
            break
    raise Unverified(
        "signature",
        f"This is not what {node} signed with the keys that are believed.",
        f"该文件与 {node} 节点以所认可公钥签名的内容不符。",
    )
