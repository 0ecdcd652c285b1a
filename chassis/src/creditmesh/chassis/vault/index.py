"""How a number finds its subject: an HMAC over kind, document type and normalised number."""

from dataclasses import dataclass

from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.pii import Pii


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is by a document; the number is already normalised (`schemas.rules.identity`)."""

    kind: SubjectKind
    document: DocumentType
    number: Pii


def index_of(keys: Keys, identity: Identity) -> bytes:
    """The 32 bytes that find this identity's subject in the vault. They never leave it."""
    return keys.mac("index", f"{identity.kind}|{identity.document}|{identity.number.reveal()}".encode())
