"""What a lower tier had the last word on, repeated over what a higher tier publishes anew (docs/decisions/0014)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import structlog

from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.merging import lost, merged
from creditmesh.catalogue.objects import digest_of, kept, numbered
from creditmesh.catalogue.store import Publication
from creditmesh.chassis.context import Context
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.catalogue.narrowing import narrows
from creditmesh.schemas.histories import Published
from creditmesh.schemas.identifiers import RANK

log = structlog.get_logger(__name__)


class LaidOver(NamedTuple):
    """What is repeated over a new version, and what gave way to it."""

    again: list[Publication]
    gave_way: list[Publication]


def laid_over(
    ctx: Context,
    rows: Sequence[Publication],
    before: Mapping[Key, Publication],
    above: Mapping[Key, Publication],
    *,
    shipped: bool = False,
) -> LaidOver:
    """What stood before and narrows or confirms what has just come is repeated over it; the rest gives way.

    Only the word of a lower tier is repeated; over what is `shipped`, which nobody confirmed for this node, a
    confirmation of any tier's. `above` are the versions that the lower tier had before it.
    """
    found = LaidOver([], [])
    for row in rows:
        own = before.get((row.kind, row.code))
        if own is None:
            continue
        mine, theirs = kept(own.kind, own.body), kept(row.kind, row.body)
        lower = RANK[cast("Tier", own.issued_by)] < RANK[cast("Tier", row.issued_by)]
        was = above.get((row.kind, row.code))
        stays = _below(own, row, mine, theirs, was) if lower else mine if shipped and _confirms(mine, theirs) else None
        if stays is not None:
            number, digest = row.number + 1, own.digest if stays is mine else digest_of(stays)
            found.again.append(own._replace(number=number, body=numbered(stays, number), digest=digest, at=ctx.instant))
        elif lower or (shipped and (lost(mine, theirs) or _was_confirmed(mine, theirs))):
            found.gave_way.append(own)
            log.warning("an own version gave way to a higher tier's", kind=own.kind, code=own.code, number=own.number)
    return found


def _below(
    own: Publication, row: Publication, mine: Published, theirs: Published, was: Publication | None
) -> Published | None:
    """What of a lower tier's version is published over the new one; None if nothing is."""
    if own.state == "withdrawn":
        return mine
    if row.state != "published":
        return None
    if _confirms(mine, theirs):
        return mine
    body = merged(mine, theirs, None if was is None else kept(was.kind, was.body)) or mine
    return body if narrows(body, theirs) else None


def _was_confirmed(mine: Published, theirs: Published) -> bool:
    return not _unverified(_content(mine)) and bool(_unverified(_content(theirs)))


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
