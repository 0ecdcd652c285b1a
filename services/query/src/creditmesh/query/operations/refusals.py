"""The ground that whoever asks claims, judged before anybody is looked for, and what is kept where it does not hold."""

from dataclasses import dataclass, replace
from typing import NoReturn
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.query.errors import NoAuthorisation, NoGround
from creditmesh.query.store import authorisations
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.queries import QueryIn
from creditmesh.schemas.rules import grounds
from creditmesh.schemas.rules.grounds import Ground, GroundKind, Wanting


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was asked, the officer who answers for it, and whom it is kept for; None: this node knows nobody by it."""

    query: QueryIn
    officer: str | None
    subject: UUID | None


def claimed_ground(ctx: Context, query: QueryIn, officer: str | None) -> Ground | Wanting | None:
    """A department's statutory ground, or what it lacks; None where an authorisation has to give one.

    Whoever asks, a named officer answers for it (of bureaus: 征信业管理条例 art. 22).
    """
    caller, directory, today = ctx.known_caller, ctx.followed(Directory), ctx.legal_date
    if _kind(ctx, query) == "authorisation":
        return None if officer else Wanting("officer")
    return grounds.statutory(
        purpose=directory.purpose(query.purpose, on=today),
        matter=None if query.matter is None else directory.matter(query.matter, on=today),
        party=None if caller.party is None else directory.party(caller.party),
        officer=officer,
    )


def refuse_ground(ctx: Context, attempt: Attempt, wanting: Wanting) -> NoReturn:
    """NoGround, a kept access."""
    keep_refusal(ctx, attempt, f"{NoGround.code}.{wanting.reason}")
    raise NoGround(*wanting.texts)


async def refuse_unauthorised(ctx: Context, attempt: Attempt, *, anothers: bool = False) -> NoReturn:
    """NoAuthorisation, a kept access.

    `anothers`: if somebody else has permitted what was tried on this one, who gave it finds that as well.
    """
    tried = attempt.query.authorisation if anothers else None
    row = None if tried is None else await authorisations.find(await ctx.alone(), tried, parts=range(ctx.node.parts))
    if row is not None:
        keep_refusal(ctx, replace(attempt, subject=row.subject), NoAuthorisation.code)
    keep_refusal(ctx, attempt, NoAuthorisation.code)
    raise NoAuthorisation


def keep_refusal(ctx: Context, attempt: Attempt, reason: str) -> None:
    """An access of whom it is kept for."""
    if attempt.subject is None:
        return
    query = attempt.query
    ctx.disclose(
        attempt.subject,
        purpose=query.purpose,
        ground=_kind(ctx, query),
        outcome="refused",
        items=query.items or (),
        matter=query.matter,
        authorisation=query.authorisation,
        reason=reason,
        officer=attempt.officer,
    )


def _kind(ctx: Context, query: QueryIn) -> GroundKind:
    statutory = query.authorisation is None and ctx.known_caller.kind == "department"
    return "statutory" if statutory else "authorisation"
