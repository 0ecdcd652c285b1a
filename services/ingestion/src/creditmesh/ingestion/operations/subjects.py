"""Finds the subject of a document, for the operator's tools that give people their tokens."""

from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid
from creditmesh.chassis.vault.index import Identity
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.identity import NumberFinding, agrees, judge, normalise
from creditmesh.schemas.subject import SubjectIn


class BadDocument(Invalid):
    """422: the document does not identify a subject of that kind."""

    code = "bad_document"
    title = "The document does not identify such a subject"
    title_zh = "该证件无法识别此类主体"


async def resolve_subject(ctx: Context, subject: SubjectIn) -> UUID:
    """The subject of a document, made if it is new; an access of theirs. BadDocument: it can be nobody's."""
    document = subject.document
    number = normalise(document.type, document.number.reveal()).number
    if judge(document.type, number) in {NumberFinding.SHAPE, NumberFinding.PLACEHOLDER}:
        raise BadDocument("Correct the number.", "请更正号码。", errors=[reason("number_shape", "/document/number")])
    if not agrees(subject.kind, document.type, number):
        raise BadDocument("Correct the kind.", "请更正类别。", errors=[reason("kind_number_mismatch", "/kind")])
    (found,) = await ctx.vault.resolve([Identity(subject.kind, document.type, Pii(number))])
    ctx.disclose(found, purpose="resolve_subject", ground="operator", outcome="released")
    return found
