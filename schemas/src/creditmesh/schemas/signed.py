"""What a node signs for others to keep: the text that was signed travels, and what it says is read from it.

So a reader checks the bytes that the signer signed, whatever either of them knows of the members in it: one member
more in a newer version is ignored by an older reader, and its signature still holds.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from creditmesh.schemas.texts import STORABLE, Word

ED25519 = "ed25519"
Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, data, signature) -> whether the signature is of the data by that key."""


class Statement(BaseModel):
    """What every signed text says beside its own: the id of the key, in the row of the node, and the algorithm."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: Word
    alg: Word


S = TypeVar("S", bound=Statement)


class BadSignature(ValueError):
    """The text is not what the key signed, or was signed with an algorithm that this version does not know."""


class Contradictory(ValueError):
    """A member of a JSON object stands twice in it: of two readers each could believe another."""


class SignedText(BaseModel):
    """A text as it was signed, and the signature. Nothing beside the text is covered by it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    signed: Annotated[str, StringConstraints(max_length=16 * 1024 * 1024, pattern=STORABLE)]
    """The JSON of a `Statement`, to the letter."""
    signature: Annotated[str, StringConstraints(max_length=512, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
    """Base64, over the UTF-8 bytes of `signed`."""

    @model_validator(mode="before")
    @classmethod
    def _lifted(cls, given: Any) -> Any:
        """Once the members stood beside the signature, which was over their sorted JSON: what was kept still holds."""
        if not isinstance(given, dict) or "signed" in given or "signature" not in given:
            return given
        members = {name: value for name, value in given.items() if name != "signature"}
        try:
            text = orjson.dumps(members, option=orjson.OPT_SORT_KEYS).decode()
        except TypeError:  # nested deeper, or a number larger, than any text that was signed so
            raise PydanticCustomError("never_signed", "no text that was ever signed") from None
        return {"signed": text, "signature": given["signature"]}


def sign(statement: Statement, *, by: Callable[[bytes], bytes]) -> SignedText:
    """The statement's JSON under a signature."""
    text = statement.model_dump_json()
    return SignedText(signed=text, signature=b64encode(by(text.encode())).decode("ascii"))


def read(model: type[S], given: SignedText, *, public: Callable[[S], bytes], verify: Verify) -> S:
    """What was signed. BadSignature unless the key that `public` gives for it signed it; else as `said`."""
    statement = said(model, given)
    signature = _raw(given.signature)
    if statement.alg != ED25519 or not verify(public(statement), given.signed.encode(), signature):
        raise BadSignature("the signature is not of this text")
    return statement


def said(model: type[S], given: SignedText) -> S:
    """What the text says, whoever signed it. ValueError (as ValidationError is) if that is not all, or contradicts."""
    strict(given.signed)
    return model.model_validate_json(given.signed)


def strict(text: str | bytes) -> Any:
    """What a JSON text says; ValueError if it is none, Contradictory where a member stands twice."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Contradictory("a member stands twice")
    return members


def _raw(text: str) -> bytes:
    try:
        found = b64decode(text, validate=True)
    except ValueError:
        return b""
    return found if b64encode(found) == text.encode() else b""  # one spelling only: the last character has spare bits
