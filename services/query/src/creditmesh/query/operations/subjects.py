"""Who is asked about: read from a document before anything is done, and found or made once the ground is judged."""

from typing import NoReturn
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.asked_for import WholeCodeNeeded
from creditmesh.query.errors import UnusableIdentity
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.asked import identified, unless_doubtful
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.subject import SubjectIn


def identity_of(ctx: Context, subject: SubjectIn) -> Identity:
    """Who is meant. UnusableIdentity if there is no such number at all, or none of that kind."""
    fillers = ctx.followed(Directory).fillers(on=ctx.legal_date)
    return _usable(identified(subject.kind, subject.document, fillers=fillers, pointer="/subject"))


async def answered_about(ctx: Context, who: Identity) -> UUID:
    """Whom an answer on a lawful ground is about; one without a file gets one, so that the access is kept for them.

    UnusableIdentity if nobody is known by a doubtful number, or it is not enough of one to tell whose it is.
    """
    if who.doubts:
        (known,) = unless_doubtful([who], await ctx.vault.known([who]), pointer="/subject")
        _usable(known)
    try:
        return (await ctx.vault.resolve([who]))[0]
    except WholeCodeNeeded:
        return _refused(reason("whole_code_needed", "/subject/document/number"))


async def attempted_on(ctx: Context, who: Identity) -> UUID | None:
    """For whom an attempt is kept that may be refused; None where the number says of nobody that it is theirs.

    One without a file gets one, but for a doubtful number or nine characters: so whom the node knows is told to nobody.
    """
    if who.doubts or not who.is_whole:
        return (await ctx.vault.find([who]))[0]
    return (await ctx.vault.resolve([who]))[0]


def _usable(who: Identity | FieldError) -> Identity:
    return _refused(who) if isinstance(who, FieldError) else who


def _refused(why: FieldError) -> NoReturn:
    raise UnusableIdentity(why.detail, why.detail_zh, errors=[why])
