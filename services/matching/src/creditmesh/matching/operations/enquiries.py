"""What a screening and a question of eligibility have in common: the ground, what stands now, and the access."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NoReturn, TypeVar
from uuid import UUID

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Unavailable
from creditmesh.matching.errors import NoGround
from creditmesh.matching.store import designations
from creditmesh.matching.store.designations import Held
from creditmesh.schemas.catalogue import Matter
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules import freshness, grounds
from creditmesh.schemas.rules.asked import doubtful, unless_doubtful
from creditmesh.schemas.rules.grounds import Wanting
from creditmesh.schemas.rules.identity import Identity

T = TypeVar("T")

PURPOSE = "statutory_duty"
"""The purpose of the catalogue for which a department may ask here."""
ATTEMPTS = 5
"""How often what stands is read again because it changed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enquiry:
    """For which matter, and who asks."""

    matter: str | None
    officer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The matter that was claimed rightly, the officer, and the items that may be read for it with this credential."""

    matter: Matter
    officer: str
    items: tuple[str, ...]
    out_of_reach: tuple[str, ...]
    """The items of the matter that this credential does not reach: only without any "no record" means there is none."""


def ground_of(ctx: Context, asked: Enquiry) -> Allowed | Wanting:
    """The ground of this question, or what it wants. Nobody's number is needed to say so."""
    directory, today, caller = ctx.followed(Directory), ctx.legal_date, ctx.known_caller
    officer = caller.officer or asked.officer
    matter = None if asked.matter is None else directory.matter(asked.matter, on=today)
    claimed = grounds.statutory(
        purpose=directory.purpose(PURPOSE, on=today),
        matter=matter,
        party=None if caller.party is None else directory.party(caller.party),
        officer=officer,
    )
    if isinstance(claimed, Wanting) or matter is None or officer is None:
        return claimed if isinstance(claimed, Wanting) else Wanting("matter")
    items = tuple(item for item in claimed.items if caller.items is None or item in caller.items)
    out_of_reach = tuple(item for item in matter.items if item not in items)
    return Allowed(matter=matter, officer=officer, items=items, out_of_reach=out_of_reach)


async def known(
    ctx: Context, read: Sequence[Identity | FieldError], *, pointer: str = ""
) -> list[Identity | FieldError]:
    """The same, with the reason in place of who has a doubtful number that nobody is known by; nobody becomes known."""
    doubted = doubtful(read)
    return unless_doubtful(read, await ctx.vault.known(doubted) if doubted else (), pointer=pointer)


async def refuse(ctx: Context, asked: Enquiry, wanting: Wanting, identities: Sequence[Identity]) -> NoReturn:
    """NoGround, a kept access of each of these whom this node knows; nobody becomes known by it."""
    known: set[UUID] = set()
    async for some in in_slices(identities):
        for subject in set(await ctx.vault.find(some)) - known:
            if subject is not None:
                _note_refusal(ctx, asked, wanting, subject)
                known.add(subject)
        await ctx.flush()
    raise NoGround(*wanting.texts)


def _note_refusal(ctx: Context, asked: Enquiry, wanting: Wanting, subject: UUID) -> None:
    ctx.disclose(
        subject,
        purpose=PURPOSE,
        ground="statutory",
        outcome="refused",
        matter=asked.matter,
        reason=f"{NoGround.code}.{wanting.reason}",
        officer=ctx.known_caller.officer or asked.officer,
    )


async def answered(
    ctx: Context,
    subjects: Collection[UUID],
    items: Collection[str],
    answer: Callable[[UUID, Sequence[Held], Sequence[UUID]], T],
) -> dict[UUID, T]:
    """What `answer` says of each of these from where it visibly stands, and which of its records cannot be read.

    It records the accesses as well, in the statement that finds nothing changed since the reading. Unavailable if it
    keeps changing.
    """
    parts = {subject: ctx.part(str(subject)) for subject in subjects}
    law = ctx.followed(Directory).law(ctx.legal_date)
    for attempt in range(ATTEMPTS):
        rows, unreadable = await designations.visible_of(await ctx.alone(), parts, items=items, law=law)
        found: dict[UUID, list[Held]] = {subject: [] for subject in subjects}
        for row in rows:
            found[row.subject].append(row)
        answers = {subject: answer(subject, theirs, unreadable.get(subject, ())) for subject, theirs in found.items()}
        (unchanged,) = await ctx.write(designations.RELEASE, designations.released(rows))
        if unchanged:
            return answers
        await asyncio.sleep(0.01 * attempt)
    raise Unavailable(
        "The subjects' records are changing; nothing was released. Ask again.",
        "相关主体的记录正在变更，未披露任何信息。请稍后重试。",
        headers={"Retry-After": "1"},
    )


def use_until(ctx: Context, rows: Iterable[Held], *, measures: Iterable[date | None] = ()) -> date:
    """The first day on which an answer from these may be used no more; `measures` are the ends of what follows."""
    directory = ctx.followed(Directory)
    ends = [end for row in rows for end in (row.display_until, directory.withdrawn_at(row.item))]
    ends += measures
    return freshness.use_until(ends, as_of=ctx.legal_date)


def disclose(
    ctx: Context, subject: UUID, ground: Allowed, rows: Collection[Held], *, until: date, unreadable: Sequence[UUID]
) -> UUID:
    """The access of one subject, told of these, and that those are there and cannot be read; its decision id."""
    return ctx.disclose(
        subject,
        purpose=PURPOSE,
        ground="statutory",
        outcome="released" if rows or unreadable else "nothing",
        items=sorted({row.item for row in rows}),
        records=list(dict.fromkeys((*(row.record for row in rows), *unreadable))),
        matter=ground.matter.code,
        officer=ground.officer,
        use_until=until,
    )
