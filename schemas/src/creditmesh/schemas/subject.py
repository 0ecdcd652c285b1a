"""How a caller names a subject: in bodies only, never in a URL."""

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.pii import Pii


class Document(BaseModel):
    """A document's type and number, as the caller wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: DocumentType
    number: Pii


class SubjectIn(BaseModel):
    """A subject as a caller gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SubjectKind
    document: Document
    name: Pii | None = None
