"""Acknowledgements of our feeds: taken from who pulls them if they fit, told, and passed on to who began the record."""

from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Alarm
from creditmesh.chassis.http.problems import field_errors
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.entries import DOWN, UP, acknowledged_draft
from creditmesh.exchange.errors import AcknowledgementGap, NotAcknowledged
from creditmesh.exchange.operations import serving
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.holders import line
from creditmesh.exchange.store import copies, feeds, holders
from creditmesh.exchange.store.feeds import Placed
from creditmesh.exchange.store.holders import TrackedRevision
from creditmesh.schemas.acknowledgements import Acknowledgement, Proof
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AcknowledgementReceived
from creditmesh.schemas.exchange import TOLD, AcknowledgedBody, RelayedEntry, base64_text, feed_origin
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.signed import BadSignature, SignedText, read
from creditmesh.schemas.tlog import inclusion_plan

_LEEWAY = timedelta(minutes=5)
"""How far a peer's clock may be ahead of ours: a time beyond that would stand before every later answer of the peer."""

_MOST_TOLD = 20


async def take(ctx: Context, feed: str, signed: SignedText) -> None:
    """Keep what the calling node signed about a feed of ours, tell the holders' answers, pass them on.

    NotAcknowledged if it does not fit; AcknowledgementGap if an earlier one is missing. The same again changes nothing.
    """
    serving.check(ctx, feed)
    given = _read(ctx, signed)
    await _fit(ctx, feed, given)
    session = await ctx.session()
    reached = await holders.reach(session, feed, given.by)
    if given.first > reached:
        raise AcknowledgementGap(f"Send those from {reached} on first.", f"请先提交自 {reached} 起的收讫。")
    data = signed.model_dump_json()
    fresh = await holders.add_acknowledgement(
        session, feed, by=given.by, first=given.first, until=given.until, data=data, at=ctx.instant
    )
    if not fresh:
        return
    await holders.reached(session, feed, given.by, until=given.until)
    entries = await feeds.of_records(session, feed, first=given.first, until=given.until)
    refused = {each.index: each.code for each in given.refused}
    shown = [each for each in entries if each.change in TOLD and each.index not in refused]
    proofs = await _proofs(ctx, feed, shown, given=given, signed=signed)
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
        at = min(body.at, each.at)  # what a node above says of the future would stand before its later answers
        _answers(ctx, entries, by=body.by, at=at, refused=refused, proofs=proofs)
        await _relay(ctx, entries, by=body.by, at=at, refused=refused, proofs=proofs)


def _same(entry: Placed, told: RelayedEntry) -> bool:
    """Whether what is told is about the entry that stands there: another says nothing of it."""
    return (entry.record, entry.rev) == (told.record, told.rev)


def _read(ctx: Context, signed: SignedText) -> Acknowledgement:
    """What the calling node signed; NotAcknowledged if it is no acknowledgement, or not signed by a key of its row."""
    try:
        return read(Acknowledgement, signed, public=lambda given: _public(ctx, given), verify=_verify)
    except BadSignature:
        raise _unfit("/signature", "The signature is not of this text.", "签名与内容不符。") from None
    except ValidationError as error:
        found = field_errors(error.errors(include_input=False)[:_MOST_TOLD])
        errors = [each.model_copy(update={"pointer": f"/signed{each.pointer}"}) for each in found]
        raise NotAcknowledged("See errors.", "原因见 errors。", errors=errors) from None
    except ValueError:
        raise _unfit("/signed", "The text is no acknowledgement; sign one.", "所签内容不是收讫；请签署收讫。") from None


def _public(ctx: Context, given: Acknowledgement) -> bytes:
    party = ctx.followed(Directory).party(ctx.known_caller.party or "")
    keys = {} if party is None else {key.id: b64decode(key.public) for key in party.keys if key.use == "node"}
    if given.by != ctx.known_caller.party or given.key not in keys:
        raise _unfit(
            "/signed",
            "It must be signed by the calling node with a key of its row.",
            "须由调用节点以其登记的密钥签名。",
        )
    return keys[given.key]


async def _fit(ctx: Context, feed: str, given: Acknowledgement) -> None:
    """NotAcknowledged unless it is about this feed, as it was signed here, and of no time to come."""
    if given.feed != feed_origin(ctx.node.code, feed):
        raise _unfit("/signed/feed", "It is about another feed.", "收讫针对的是其他日志。")
    if given.at > ctx.instant + _LEEWAY:
        raise _unfit("/signed/at", "It lies ahead of this node's clock; set yours.", "时间晚于本节点时钟；请校准。")
    if not given.first < given.until <= given.size:
        raise _unfit("/signed/until", "first < until <= size must hold.", "须满足 first < until <= size。")
    if any(not given.first <= each.index < given.until for each in given.refused):
        raise _unfit("/signed/refused", "It refuses an entry it is not about.", "拒绝的条目不在收讫范围内。")
    head = await feeds.checkpoint(await ctx.session(), feed, given.size)
    if head is None or head.root.hex() != given.root:
        raise _unfit(
            "/signed/root", "No head of this size and root was signed here.", "本节点未签发过该大小与根的树头。"
        )


async def _proofs(
    ctx: Context, feed: str, entries: Sequence[Placed], *, given: Acknowledgement, signed: SignedText
) -> dict[int, Proof]:
    public = base64_text(_public(ctx, given))
    paths = await serving.proven(ctx, feed, [inclusion_plan(each.index, given.size) for each in entries])
    return {
        each.index: Proof(acknowledgement=signed, public=public, index=each.index, line=each.line, path=path)
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


def _told(entry: Placed, at: datetime) -> TrackedRevision:
    return TrackedRevision(
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


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)


def _unfit(pointer: str, detail: str, detail_zh: str) -> NotAcknowledged:
    error = FieldError(pointer=pointer, code="unfit", detail=detail, detail_zh=detail_zh)
    return NotAcknowledged("See errors.", "原因见 errors。", errors=[error])
