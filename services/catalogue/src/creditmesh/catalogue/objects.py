"""A published object with its kind, and what it is known by."""

from hashlib import sha256
from typing import Any, Literal, NamedTuple

import orjson

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.catalogue.base import KEPT
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.histories import MODELS, Published


class CatalogueObject(NamedTuple):
    """One object of the catalogue."""

    kind: ObjectKind
    body: Published

    @property
    def code(self) -> str:
        """The object's code, unique in its kind."""
        return self.body.code


def entry_of(kind: ObjectKind, body: object, *, unknown: Literal["forbid"] | None = None) -> CatalogueObject:
    """The entry of a body as it was read; ValidationError of pydantic if it is none.

    Fields of a newer version stay with the object, unread; `unknown="forbid"` where somebody writes one by hand.
    """
    return CatalogueObject(kind, MODELS[kind].model_validate(body, extra=unknown))


def kept(kind: ObjectKind, body: object) -> Published:
    """The body of an entry that the node keeps; one from before there were bounds is read within them."""
    return MODELS[kind].model_validate(body, context=KEPT)


def digest_of(body: Published) -> bytes:
    """What a body is compared by: its content without its number.

    Values that the model gives by itself are left out, so that a field the model gains later changes no object.
    """
    content = body.model_dump(mode="json", exclude_defaults=True, exclude={"number"})
    return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def numbered(body: Published, number: int) -> dict[str, Any]:
    """The body as version `number` publishes it: items carry their number themselves."""
    if isinstance(body, Item):
        body = body.model_copy(update={"number": number})
    return body.model_dump(mode="json")
