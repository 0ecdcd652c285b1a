"""Acknowledgements of our feeds: taken from who pulls them if they fit, told, and passed on to who began the record."""

from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Alarm
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.entries import acknowledged_draft
from creditmesh.exchange.errors import AcknowledgementGap, NotAcknowledged
from creditmesh.exchange.operations import serving
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.holders import line
from creditmesh.exchange.operations.sharing import DOWN, UP
from creditmesh.exchange.store import copies, feeds, holders
from creditmesh.exchange.store.feeds import Placed
from creditmesh.exchange.store.holders import Told
from creditmesh.schemas.acknowledgements import Acknowledgement, Proof, acknowledgement_text
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AcknowledgementReceived
from creditmesh.schemas.exchange import TOLD, AcknowledgedBody, RelayedEntry, base64_text, feed_origin
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.tlog import inclusion_plan


async def take(ctx: Context, feed: str, given: Acknowledgement) -> None:
    """Keep what the calling node signed about a feed of ours, tell the holders' answers, pass them on.

    NotAcknowledged if it does not fit; AcknowledgementGap if an earlier one is missing. The same again changes nothing.
    """
    serving.check(ctx, feed)
    public = await _fitting(ctx, feed, given)
    session = await ctx.session()
    reached = await holders.reach(session, feed, given.by)
    if given.first > reached:
        raise AcknowledgementGap(f"Send those from {reached} on first.", f"请先提交自 {reached} 起的收讫。")
    data = given.model_dump_json()
    fresh = await holders.add_acknowledgement(
        session, feed, by=given.by, first=given.first, until=given.until, data=data, at=ctx.instant
    )
    if not fresh:
        return
    await holders.reached(session, feed, given.by, until=given.until)
    entries = await feeds.of_records(session, feed, first=given.first, until=given.until)
    refused = {each.index: each.code for each in given.refused}
    shown = [each for each in entries if each.change in TOLD and each.index not in refused]
    proofs = await _proofs(ctx, feed, shown, given, public)
    _answers(ctx, entries, by=given.by, at=given.at, refused=refused, proofs=proofs)
    await _relay(ctx, entries, by=given.by, at=given.at, refused=refused, proofs=proofs)


async def take_relayed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A higher tier's answer to entries of ours, passed on by the tier between; and on to who sent them to us."""
    session = await ctx.session()
    for each in events:
        received = each.read(AcknowledgementReceived)
        body = _body(ctx, each, received)
        if body is None:
            continue
        told = {entry.index: entry for entry in body.entries}
        found = await feeds.at(session, UP, told)
        entries = [entry for entry in found if _same(entry, told[entry.index])]
        refused = {entry.index: entry.code for entry in body.entries if entry.code is not None}
        proofs = {entry.index: entry.proof for entry in body.entries if entry.proof is not None}
        await holders.reached(session, UP, body.by, until=max((e.index for e in entries), default=-1) + 1)
        _answers(ctx, entries, by=body.by, at=body.at, refused=refused, proofs=proofs)
        await _relay(ctx, entries, by=body.by, at=body.at, refused=refused, proofs=proofs)


def _same(entry: Placed, told: RelayedEntry) -> bool:
    """Whether what is told is about the entry that stands there: another says nothing of it."""
    return (entry.record, entry.rev) == (told.record, told.rev)


async def _fitting(ctx: Context, feed: str, given: Acknowledgement) -> bytes:
    """The public key that signed it; NotAcknowledged unless it is the caller's, about this feed as it was signed."""
    party = ctx.followed(Directory).party(given.by)
    keys = {} if party is None else {key.id: b64decode(key.public) for key in party.keys if key.use == "node"}
    public = keys.get(given.key)
    if given.by != ctx.known_caller.party or public is None:
        raise _unfit(
            "/by", "It must be signed by the calling node with a key of its row.", "须由调用节点以其登记的密钥签名。"
        )
    if given.feed != feed_origin(ctx.node.code, feed):
        raise _unfit("/feed", "It is about another feed.", "收讫针对的是其他日志。")
    if not 0 <= given.first < given.until <= given.size:
        raise _unfit("/until", "first < until <= size must hold.", "须满足 first < until <= size。")
    if any(not given.first <= each.index < given.until for each in given.refused):
        raise _unfit("/refused", "It refuses an entry it is not about.", "拒绝的条目不在收讫范围内。")
    head = await feeds.checkpoint(await ctx.session(), feed, given.size)
    if head is None or head.root.hex() != given.root:
        raise _unfit("/root", "No head of this size and root was signed here.", "本节点未签发过该大小与根的树头。")
    signature = _bytes(given.signature)
    if not verified(acknowledgement_text(given), signature, public=public):
        raise _unfit("/signature", "The signature is not of this text.", "签名与内容不符。")
    return public


async def _proofs(
    ctx: Context, feed: str, entries: Sequence[Placed], given: Acknowledgement, public: bytes
) -> dict[int, Proof]:
    paths = await serving.proven(ctx, feed, [inclusion_plan(each.index, given.size) for each in entries])
    return {
        each.index: Proof(
            acknowledgement=given, public=base64_text(public), index=each.index, line=each.line, path=path
        )
        for each, path in zip(entries, paths, strict=True)
    }


def _answers(
    ctx: Context,
    entries: Sequence[Placed],
    *,
    by: str,
    at: datetime,
    refused: Mapping[int, str],
    proofs: Mapping[int, Proof],
) -> None:
    """Say how the node stands to each revision that is told of, or that it refused."""
    for entry in entries:
        if entry.index in refused:
            line(ctx, _told(entry, at), by, kind="node", outcome="refused", at=at, code=refused[entry.index])
        elif entry.index in proofs:
            line(ctx, _told(entry, at), by, kind="node", outcome="acknowledged", at=at, proof=proofs[entry.index])


async def _relay(
    ctx: Context,
    entries: Sequence[Placed],
    *,
    by: str,
    at: datetime,
    refused: Mapping[int, str],
    proofs: Mapping[int, Proof],
) -> None:
    """Tell each child of its own entries among these, in its own feed."""
    revisions = {(entry.record, entry.rev): entry for entry in entries}
    origins = await copies.origins(await ctx.session(), list(revisions))
    children: dict[str, list[RelayedEntry]] = defaultdict(list)
    for (record, rev), origin in origins.items():
        own = revisions[record, rev].index
        children[origin.peer].append(
            RelayedEntry(
                index=origin.index,
                own=own,
                record=record,
                rev=rev,
                code=refused.get(own),
                proof=proofs.get(own),
            )
        )
    for child, theirs in sorted(children.items()):
        body = AcknowledgedBody(by=by, at=at, entries=tuple(sorted(theirs, key=lambda each: each.index)))
        await append(ctx, f"{DOWN}-{child}", [acknowledged_draft(body)])


def _told(entry: Placed, at: datetime) -> Told:
    return Told(
        record=entry.record,
        rev=entry.rev,
        subject=entry.subject,
        change=entry.change,
        item=entry.item,
        party=entry.party,
        at=at,
    )


def _body(ctx: Context, event: Delivered, received: AcknowledgementReceived) -> AcknowledgedBody | None:
    party = ctx.followed(Directory).party(received.peer)
    if received.body is None or party is None or party.place != "above":
        return None
    try:
        return AcknowledgedBody.model_validate_json(received.body)
    except ValidationError as error:
        raise Alarm("an acknowledgement cannot be read", stream=event.stream, part=event.part) from error


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""


def _unfit(pointer: str, detail: str, detail_zh: str) -> NotAcknowledged:
    error = FieldError(pointer=pointer, code="unfit", detail=detail, detail_zh=detail_zh)
    return NotAcknowledged("See errors.", "原因见 errors。", errors=[error])
