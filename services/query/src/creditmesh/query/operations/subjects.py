"""Who is asked about: the vault's subject of a document, found or made before anything else is done."""

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


async def subject_of(ctx: Context, subject: SubjectIn) -> UUID:
    """The subject's id; one without a file gets one too, so that the access is kept for them.

    UnusableIdentity if there is no such number at all, or none of that kind, not enough of it to tell whose it is, or
    nobody is known by a doubtful one.
    """
    fillers = ctx.followed(Directory).fillers(on=ctx.legal_date)
    who = identified(subject.kind, subject.document, fillers=fillers, pointer="/subject")
    if isinstance(who, Identity) and who.doubts:
        (who,) = unless_doubtful([who], await ctx.vault.find([who]), pointer="/subject")
    if isinstance(who, FieldError):
        raise UnusableIdentity(who.detail, who.detail_zh, errors=[who])
    try:
        return (await ctx.vault.resolve([who]))[0]
    except WholeCodeNeeded as error:
        why = reason("whole_code_needed", "/subject/document/number")
        raise UnusableIdentity(why.detail, why.detail_zh, errors=[why]) from error
