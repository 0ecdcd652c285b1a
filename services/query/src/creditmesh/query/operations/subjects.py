"""Who is asked about: the vault's subject of a document, found or made before anything else is done."""

from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.index import Identity
from creditmesh.query.errors import UnusableIdentity
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.identity import Finding, judge, normalise
from creditmesh.schemas.subject import SubjectIn

_UNUSABLE = {
    Finding.SHAPE: (
        "number_shape",
        "The number does not have the form of its document type; correct it.",
        "号码与证件类型的格式不符；请更正。",
    ),
    Finding.PLACEHOLDER: (
        "placeholder_needs_registration",
        "Seventeen zeros and X are nobody's code; give the registration number.",
        "17 个 0 加 X 不是任何主体的代码；请提供工商注册号。",
    ),
}


async def subject_of(ctx: Context, subject: SubjectIn) -> UUID:
    """The subject's id; one without a file gets one too, so that the access is kept for them.

    A wrong check digit is no hindrance (genuine codes have them); UnusableIdentity if there is no such number at all.
    """
    document = subject.document
    number = normalise(document.type, document.number.reveal()).number
    if (unusable := _UNUSABLE.get(judge(document.type, number))) is not None:
        code, detail, detail_zh = unusable
        error = FieldError(pointer="/subject/document/number", code=code, detail=detail, detail_zh=detail_zh)
        raise UnusableIdentity(detail, detail_zh, errors=[error])
    identity = Identity(kind=subject.kind, document=document.type, number=Pii(number))
    return (await ctx.vault.resolve([identity]))[0]
