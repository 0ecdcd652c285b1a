"""What a row says, as bytes made once: sealed, stored and fingerprinted from the same texts.

The fingerprint is over the text *to be* sealed; a ciphertext has a fresh nonce, and nothing would ever be unchanged.
"""

from dataclasses import dataclass, field
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.compile import CompiledItem, Row, Split

_BRACKETS = str.maketrans("〔〕[]（）【】", "()()()()")
_BETWEEN = b"\x1f"


@dataclass(slots=True)
class Content:
    """A canonical row by whose key seals it, as fields and as their texts."""

    split: Split = field(repr=False)
    clear: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    representative: bytes = field(repr=False)
    text: bytes = field(repr=False)
    """What its fingerprint is of."""


def content_of(compiled: CompiledItem, row: Row, kind: SubjectKind) -> Content:
    """The content of a row about this kind of subject."""
    split = compiled.split(row, kind)
    clear, subject, representative = map(orjson.dumps, split)
    text = _BETWEEN.join((compiled.item.code.encode(), clear, subject, representative))
    return Content(split, clear, subject, representative, text)


def sealed_of(said: Content, own: Cipher, other: Cipher, *, record: UUID) -> list[dict[str, JsonValue]]:
    """Each person's fields under their own key; a representative without a number is sealed with the subject."""
    sealed = []
    if said.split.subject:
        sealed.append(own.seal_json(said.subject, object=record, field="subject"))
    if said.split.representative:
        sealed.append(other.seal_json(said.representative, object=record, field="representative"))
    return sealed


def natural_text(*, item: str, subject: UUID, issuer: str, decision: str, origin: str) -> bytes:
    """What makes two rows the same record: item, subject, issuing body, document number, origin.

    Different brackets around the year of a document number do not make another document.
    """
    return "\x1f".join((item, subject.hex, issuer, decision.translate(_BRACKETS).upper(), origin)).encode()
