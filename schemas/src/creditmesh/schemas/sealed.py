"""The shape of a sealed value, wherever it is stored or sent."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.encodings import FROM_BASE64, Base64


class Sealed(BaseModel):
    """Fields of one person in one record, under that person's data key.

    `text` is nonce (12 bytes) || ciphertext || tag (16 bytes) over a JSON object of field code -> value. The
    associated data is `about|object|field` in ASCII, where the object is the record's id: moving a sealed value to
    another person, record or field makes it unreadable.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", **FROM_BASE64)

    about: UUID
    field: str
    key: str
    alg: str
    text: Base64
