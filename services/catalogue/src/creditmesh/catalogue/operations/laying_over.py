"""What a lower tier had the last word on, repeated over what a higher tier publishes anew (docs/decisions/0014)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import structlog

from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.objects import kept, numbered
from creditmesh.catalogue.operations.publishing import append
from creditmesh.catalogue.store import Publication
from creditmesh.chassis.context import Context
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.catalogue.narrowing import narrows
from creditmesh.schemas.histories import Published
from creditmesh.schemas.identifiers import RANK

log = structlog.get_logger(__name__)


async def lay_over(
    ctx: Context, rows: Sequence[Publication], before: Mapping[Key, Publication], *, shipped: bool = False
) -> tuple[list[Publication], list[Publication]]:
    """Repeat what stood before over what has just come, where it narrows or confirms that: these, and what gave way.

    Only the word of a lower tier is repeated; over what is `shipped`, which nobody confirmed for this node, a
    confirmation of any tier's.
    """
    again, gave_way = [], []
    for row in rows:
        own = before.get((row.kind, row.code))
        if own is None:
            continue
        mine, theirs = kept(own.kind, own.body), kept(row.kind, row.body)
        lower = RANK[cast("Tier", own.issued_by)] < RANK[cast("Tier", row.issued_by)]
        if _is_kept(own, row, mine, theirs) if lower else shipped and _confirms(mine, theirs):
            number = row.number + 1
            again.append(own._replace(number=number, body=numbered(mine, number), at=ctx.instant))
        elif lower or (shipped and not _unverified(_content(mine)) and _unverified(_content(theirs))):
            gave_way.append(own)
            log.warning("an own version gave way to a higher tier's", kind=own.kind, code=own.code, number=own.number)
    await append(ctx, again)
    return again, gave_way


def _is_kept(own: Publication, row: Publication, mine: Published, theirs: Published) -> bool:
    if own.state == "withdrawn":
        return True
    return row.state == "published" and (narrows(mine, theirs) or _confirms(mine, theirs))


def _confirms(mine: Published, theirs: Published) -> bool:
    """Whether the two differ in nothing but that more of mine is verified."""
    one, other = _content(mine), _content(theirs)
    return _all_verified(one) == _all_verified(other) and _unverified(one) < _unverified(other)


def _content(body: Published) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude={"number"})


def _unverified(value: object, place: str = "") -> set[str]:
    """The places that say they are not verified."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return set()
    here = {place} if value.get("verified") is False else set()
    return here.union(*(_unverified(part, f"{place}/{name}") for name, part in value.items()))


def _all_verified(value: object) -> object:
    if isinstance(value, list):
        return [_all_verified(part) for part in value]
    if isinstance(value, dict):
        return {name: True if name == "verified" else _all_verified(part) for name, part in value.items()}
    return value
