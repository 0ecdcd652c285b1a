"""The documents of a case: its subject adds them, and who decides reads them.

Ten megabytes take tens of milliseconds to digest, seal and encode: threads do that, for two documents at a time.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from creditmesh.chassis.bulk import LARGE
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.chassis.vault.ciphers import Erased
from creditmesh.repair.clocks import deadline
from creditmesh.repair.course import OPEN, Move
from creditmesh.repair.documents import check_content
from creditmesh.repair.errors import EvidenceDiffers, WrongState
from creditmesh.repair.operations.filing import check_no_others
from creditmesh.repair.operations.seeing import disclose, locked, seen_case
from creditmesh.repair.operations.steps import By, Words, place_of, procedure_of, take
from creditmesh.repair.store import cases, documents
from creditmesh.repair.store.cases import Case
from creditmesh.repair.store.documents import Evidence
from creditmesh.schemas.cases import EvidenceKind, EvidenceMedia
from creditmesh.schemas.sealed import Sealed

MOST = 20
"""Documents of a case."""
_NONE = ("The case has no document of this digest.", "该案件没有此摘要的材料。")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedDocument:
    """A document as it is sent."""

    kind: EvidenceKind
    media: EvidenceMedia
    content: bytes = field(repr=False)


async def add_document(ctx: Context, case_id: UUID, sent: UploadedDocument) -> tuple[Evidence, bool]:
    """Keep it, sealed, and whether it is new: the same content again is the same document.

    With the last document that it was returned for, a case is filed again; CaseOpen while somebody else's objection is
    being decided. WrongMedia; WrongState where nothing is decided any more; EvidenceDiffers.
    """
    check_content(sent.media, sent.content)
    case, _ = await seen_case(ctx, case_id)
    async with _turn(ctx, len(sent.content)):
        return await _added(ctx, case, sent)


@asynccontextmanager
async def _turn(ctx: Context, size: int) -> AsyncIterator[None]:
    """The turn of a large document, waited for without a session by who may see the case; a small one needs none."""
    if size >= LARGE:
        await ctx.rollback()
    async with ctx.equipment.bulk.turn(size):
        yield


async def _added(ctx: Context, seen: Case, sent: UploadedDocument) -> tuple[Evidence, bool]:
    digest = await asyncio.to_thread(_digest, sent.content)
    case, _ = await locked(ctx, seen)
    there = await documents.documents_of(await ctx.session(), case)
    standing = next((each for each in there if each.digest == digest), None)
    if standing is not None:
        return _same(standing, sent), False
    _check_open(ctx, case)
    if len(there) >= MOST:
        raise EvidenceDiffers(f"A case has {MOST} documents at most; join them.", f"每案最多 {MOST} 份材料；请合并。")
    added = Evidence(
        digest=digest, kind=sent.kind, media_type=sent.media, size=len(sent.content), at=ctx.instant, step=case.steps
    )
    await _keep(ctx, case, added, sent.content)
    await _complete(ctx, case, [*there, added])
    return added, True


async def document_of(ctx: Context, case_id: UUID, digest: bytes) -> tuple[Evidence, bytes]:
    """A document with its content; an access. NotFound if the case has none such; refusals as `seen_case`."""
    case, _ = await seen_case(ctx, case_id)
    about = await documents.document_of(await ctx.session(), case, digest)
    if about is None:
        raise NotFound(*_NONE)
    async with _turn(ctx, about.size):
        return about, await _read(ctx, case, digest)


async def _read(ctx: Context, case: Case, digest: bytes) -> bytes:
    sealed = await documents.content_of(await ctx.session(), case, digest)
    try:
        cipher = (await ctx.vault.open([case.subject]))[case.subject]
    except Erased:
        raise NotFound(*_NONE) from None
    content = await asyncio.to_thread(_opened, cipher, case.id, sealed)
    disclose(ctx, [case], outcome="released")
    return content


def _same(standing: Evidence, sent: UploadedDocument) -> Evidence:
    if standing.kind != sent.kind:
        raise EvidenceDiffers(
            f"The same file is in the case as {standing.kind}; send a file of its own for each.",
            f"同一文件已作为 {standing.kind} 提交；请分别提供文件。",
        )
    return standing


def _check_open(ctx: Context, case: Case) -> None:
    if case.state not in OPEN and not place_of(case).appeal_open(ctx.legal_date):
        raise WrongState("The case is decided; nothing is read any more.", "案件已办结，不再接收材料。")


async def _keep(ctx: Context, case: Case, added: Evidence, content: bytes) -> None:
    cipher = (await ctx.vault.open([case.subject]))[case.subject]
    sealed = await asyncio.to_thread(_sealed, cipher, case.id, added.digest.hex(), content)
    await documents.add(await ctx.session(), case, added, sealed)


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()


def _sealed(cipher: Cipher, case: UUID, field: str, content: bytes) -> Sealed:
    return cipher.seal({"content": b64encode(content).decode("ascii")}, object=case, field=field)


def _opened(cipher: Cipher, case: UUID, sealed: Sealed) -> bytes:
    return b64decode(str(cipher.unseal(sealed, object=case, field=sealed.field)["content"]))


async def _complete(ctx: Context, case: Case, there: list[Evidence]) -> None:
    """File the case again if it was returned and everything it lacked has come since; CaseOpen."""
    if case.state != "returned" or lacking(case, there):
        return
    standing = await cases.open_cases(await ctx.session(), part=case.part, records=[case.record], kind=case.kind)
    check_no_others(standing, case.kind, subject=case.subject)
    due = deadline(ctx.legal_date, procedure_of(ctx, case.kind).accept_working_days)
    await take(ctx, case, "complete", Move(state="filed", due=due), by=By(), words=Words())


def lacking(case: Case, there: list[Evidence]) -> tuple[EvidenceKind, ...]:
    """What a returned case still lacks: what came before the return does not count."""
    came = {each.kind for each in there if each.step >= case.returned}
    return tuple(kind for kind in case.missing if kind not in came)
