"""Who is asked about: the vault's subject of a document, found or made before anything else is done."""

from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.index import Identity
from creditmesh.query.errors import UnusableIdentity
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.asked import usable
from creditmesh.schemas.subject import SubjectIn


async def subject_of(ctx: Context, subject: SubjectIn) -> UUID:
    """The subject's id; one without a file gets one too, so that the access is kept for them.

    A wrong check digit is no hindrance (genuine codes have them); UnusableIdentity if there is no such number at all.
    """
    number = usable(subject.document, pointer="/subject/document/number")
    if not isinstance(number, str):
        raise UnusableIdentity(number.detail, number.detail_zh, errors=[number])
    identity = Identity(kind=subject.kind, document=subject.document.type, number=Pii(number))
    return (await ctx.vault.resolve([identity]))[0]
