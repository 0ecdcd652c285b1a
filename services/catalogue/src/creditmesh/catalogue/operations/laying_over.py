"""What a lower tier had the last word on, repeated over what a higher tier publishes anew (docs/decisions/0014)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import structlog

from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.confirmation import confirmed_as, confirms, was_confirmed
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
        stays = _below(own, row, mine, theirs, was) if lower else _beside(own, mine, theirs) if shipped else None
        if stays is not None:
            number, digest = row.number + 1, own.digest if stays is mine else digest_of(stays)
            found.again.append(own._replace(number=number, body=numbered(stays, number), digest=digest, at=ctx.instant))
            if lost(mine, stays):
                found.gave_way.append(own)
        elif lower or (shipped and (lost(mine, theirs) or was_confirmed(mine, theirs))):
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
    whole = confirmed_as(mine, theirs)
    if confirms(whole, theirs):
        return whole
    body = merged(mine, theirs, None if was is None else kept(was.kind, was.body)) or whole
    return body if narrows(body, theirs) else None


def _beside(own: Publication, mine: Published, theirs: Published) -> Published | None:
    """What of the same tier's version is published over the shipped one: nothing but its confirmations."""
    whole = confirmed_as(mine, theirs)
    return whole if own.state == "published" and confirms(whole, theirs) else None
