"""The subject of a document: found for the operator's tools that give people their tokens, confirmed by an officer."""

from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.asked_for import WholeCodeNeeded
from creditmesh.ingestion.errors import BadDocument, OfficerNeeded
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.asked import identified
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.subject import SubjectIn


async def resolve_subject(ctx: Context, subject: SubjectIn) -> UUID:
    """The subject of a document, made if it is new; an access of theirs. BadDocument: nobody's, or not of that kind."""
    found, _ = await _found(ctx, subject)
    ctx.disclose(found, purpose="resolve_subject", ground="operator", outcome="released")
    return found


async def confirm_number(ctx: Context, subject: SubjectIn) -> None:
    """A named officer answers for it that somebody has this number, whatever its check digit says; an access of theirs.

    Who is known by what was accepted of them stays of the kind that that says. OfficerNeeded; BadDocument as above.
    """
    if ctx.known_caller.officer is None:
        raise OfficerNeeded("Sign in with a personal token of an officer.", "请使用工作人员个人令牌登录。")
    found, who = await _found(ctx, subject)
    await ctx.lock([found])  # whoever accepts something of them holds it until that is there to be read
    if not await ctx.vault.kinds([found]):
        await ctx.vault.know(await ctx.session(), {found: who.kind})
    ctx.disclose(found, purpose="number_confirmed", ground="statutory", outcome="nothing")


async def _found(ctx: Context, subject: SubjectIn) -> tuple[UUID, Identity]:
    who = identified(subject.kind, subject.document, fillers=ctx.followed(Directory).fillers(on=ctx.legal_date))
    if isinstance(who, FieldError):
        raise BadDocument(who.detail, who.detail_zh, errors=[who])
    try:
        (found,) = await ctx.vault.resolve([who])
    except WholeCodeNeeded as error:
        why = reason("whole_code_needed", "/document/number")
        raise BadDocument(why.detail, why.detail_zh, errors=[why]) from error
    return found, who
