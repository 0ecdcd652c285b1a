"""Acknowledgements of our feeds, from who pulls them: taken if they fit, told, passed on to who began the record."""

from base64 import b64decode
from collections.abc import Collection, Sequence

from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.http.bodies import MOST
from creditmesh.chassis.http.problems import field_errors
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.errors import NotAcknowledged
from creditmesh.exchange.operations import serving
from creditmesh.exchange.operations.chain import LEEWAY
from creditmesh.exchange.operations.holders import tell_answers
from creditmesh.exchange.operations.passing import pass_on
from creditmesh.exchange.operations.relaying import relayed
from creditmesh.exchange.store import answers, feeds, lost
from creditmesh.exchange.store.feeds import Placed
from creditmesh.schemas.acknowledgements import MOST_ANSWERED, MOST_NAMED, Acknowledgement, EntryRange, Proof
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import TOLD, base64_text, feed_origin
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.signed import BadSignature, SignedText, read
from creditmesh.schemas.tlog import inclusion_plan

_MOST_TOLD = 20
_MOST_MISSING = 100
_MOST_KEPT = MOST_NAMED * MOST
"""What is signed is kept with each entry that it proves: whatever its sender cuts as this version does fits."""


async def take(ctx: Context, feed: str, signed: SignedText) -> list[EntryRange]:
    """Keep what the calling node signed about a feed of ours, tell what of it is new, pass that on.

    NotAcknowledged if it does not fit.
    """
    serving.check(ctx, feed)
    given = _read(ctx, signed)
    await _fit(ctx, feed, given)
    await _add(ctx, feed, given, signed)
    missing = await answers.missing(await ctx.session(), feed, given.by, limit=_MOST_MISSING)
    return [EntryRange(first=first, until=until) for first, until in missing]


async def _add(ctx: Context, feed: str, given: Acknowledgement, signed: SignedText) -> None:
    session = await ctx.session()
    returning = await lost.returning(session, feed, [(given.first, given.until)])  # for these it is asked again
    refused = {each.index: each.code for each in given.refused if each.index not in returning}
    answered = _without(returning, first=given.first, until=given.until)
    added = await answers.add(session, feed, given.by, answered, refused)
    await answers.keep(session, feed, given.by, until=given.until, signed=signed.model_dump_json())
    await answers.hold_feed(session, feed)
    await _assert_signed(ctx, feed, given)  # it may have been cut since
    if ranges := [*added.applied, *added.refused]:
        entries = await feeds.within(session, feed, ranges)
        shown = [each for each in entries if each.change in TOLD or each.index in refused]
        if len(shown) * len(signed.signed) > _MOST_KEPT:
            raise _unfit(
                "/signed/until", "It is proof of too many entries; sign several.", "所证明的条目过多；请分次签署。"
            )
        proofs = await _proofs(ctx, feed, shown, given=given, signed=signed)
        tell_answers(ctx, entries, by=given.by, refused=refused, proofs=proofs)
        relays = await relayed(ctx, entries, by=given.by, at=given.at, refused=refused, proofs=proofs)
        await pass_on(ctx, relays)


def _without(indices: Collection[int], *, first: int, until: int) -> list[tuple[int, int]]:
    """A range without these of its entries."""
    gaps = sorted(indices)
    ranges = zip([first, *(index + 1 for index in gaps)], [*gaps, until], strict=True)
    return [(begin, end) for begin, end in ranges if begin < end]


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
    if given.at > ctx.instant + LEEWAY:
        raise _unfit("/signed/at", "It lies ahead of this node's clock; set yours.", "时间晚于本节点时钟；请校准。")
    if not given.first < given.until <= given.size:
        raise _unfit("/signed/until", "first < until <= size must hold.", "须满足 first < until <= size。")
    if given.until - given.first > MOST_ANSWERED:
        raise _unfit("/signed/until", "It is about too many entries; sign several.", "所涉条目过多；请分次签署。")
    if any(not given.first <= each.index < given.until for each in given.refused):
        raise _unfit("/signed/refused", "It refuses an entry it is not about.", "拒绝的条目不在收讫范围内。")
    if any(not given.first <= index < given.until for index in given.kept):
        raise _unfit("/signed/kept", "It names an entry it is not about.", "所列条目不在收讫范围内。")
    await _assert_signed(ctx, feed, given)


async def _assert_signed(ctx: Context, feed: str, given: Acknowledgement) -> None:
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


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)


def _unfit(pointer: str, detail: str, detail_zh: str) -> NotAcknowledged:
    error = FieldError(pointer=pointer, code="unfit", detail=detail, detail_zh=detail_zh)
    return NotAcknowledged("See errors.", "原因见 errors。", errors=[error])
