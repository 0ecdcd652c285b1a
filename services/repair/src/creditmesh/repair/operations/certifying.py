"""The certificate of a case: the newest revision it brought about, and how every holder stands to that."""

from base64 import b64encode
from collections.abc import Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.repair.certificate import lines_of, pending_of
from creditmesh.repair.errors import NoCertificate
from creditmesh.repair.operations.seeing import disclose, seen_case
from creditmesh.repair.store import cases, propagation
from creditmesh.schemas.cases import Certificate
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.signed import SignedText, sign


async def certificate_of(ctx: Context, case_id: UUID) -> SignedText:
    """The signed certificate as of now; an access. NoCertificate until a revision is there; refusals as `seen_case`."""
    case, _ = await seen_case(ctx, case_id)
    session = await ctx.session()
    effects = (await cases.effects_of(session, [case]))[case.id]
    done = next((each for each in reversed(effects) if each.rev is not None), None)
    if done is None or done.rev is None or done.change is None:
        raise NoCertificate(
            "Ask again when the case says effect or marking done.", "请在案件 effect 或 marking 为 done 后再查询。"
        )
    step = next(each for each in await cases.steps_of(session, case) if each.number == done.number)
    told: Sequence[HolderChanged] = ()
    if done.change != "deleted":
        told = await propagation.lines_of(session, part=case.part, record=case.record, rev=done.rev)
    own = next((each for each in told if each.holder == ctx.node.code and each.kind == "node"), None)
    enrolled = tuple(peer.code for peer in ctx.followed(Directory).enrolled("above"))
    above = enrolled if own is None else own.above
    lines = lines_of(told, above=above, known=own is not None, node=ctx.node.code)
    pending = pending_of(lines)
    disclose(ctx, [case], outcome="released")
    return sign(
        Certificate(
            node=ctx.node.code,
            case=case.id,
            kind=case.kind,
            record=case.record,
            item=case.item,
            rev=done.rev,
            change=done.change,
            decided_on=step.legal_date,
            decided_by=step.party,
            basis=step.basis,
            above=above,
            lines=lines,
            complete=not pending,
            pending=pending,
            issued_at=ctx.instant,
            key=ctx.keys.key_id("node"),
            alg=ctx.keys.algorithm("node"),
            public=b64encode(ctx.keys.public("node").raw).decode("ascii"),
        ),
        by=ctx.keys.sign,
    )
