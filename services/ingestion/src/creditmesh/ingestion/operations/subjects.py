"""Finds the subject of a document, for the operator's tools that give people their tokens."""

from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid
from creditmesh.chassis.vault.asked_for import WholeCodeNeeded
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.asked import identified
from creditmesh.schemas.subject import SubjectIn


class BadDocument(Invalid):
    """422: the document does not identify a subject of that kind."""

    code = "bad_document"
    title = "The document does not identify such a subject"
    title_zh = "该证件无法识别此类主体"


async def resolve_subject(ctx: Context, subject: SubjectIn) -> UUID:
    """The subject of a document, made if it is new; an access of theirs. BadDocument: nobody's, or not of that kind."""
    who = identified(subject.kind, subject.document, fillers=ctx.followed(Directory).fillers(on=ctx.legal_date))
    if isinstance(who, FieldError):
        raise BadDocument(who.detail, who.detail_zh, errors=[who])
    try:
        (found,) = await ctx.vault.resolve([who])
    except WholeCodeNeeded as error:
        why = reason("whole_code_needed", "/document/number")
        raise BadDocument(why.detail, why.detail_zh, errors=[why]) from error
    ctx.disclose(found, purpose="resolve_subject", ground="operator", outcome="released")
    return found
