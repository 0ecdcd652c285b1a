"""What an operator does with credentials: make, list, take back. The door only reads them."""

from datetime import datetime, timedelta
from functools import partial
from uuid import NAMESPACE_OID, uuid5

from creditmesh.chassis.context import Context, has_followed
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.errors import Invalid, NotFound
from creditmesh.chassis.http import paging
from creditmesh.gateway import store
from creditmesh.gateway.credential import Credential
from creditmesh.gateway.errors import NotFollowed, SignatureNeeded, TooManyKeys
from creditmesh.gateway.models import (
    CredentialLine,
    KeyOrder,
    NewCredential,
    OfficerToken,
    OperatorKey,
    PartyKey,
    PersonOrder,
    SubjectToken,
)
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue.party import OFFICE_DUTY
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError

LONGEST = timedelta(days=366)
LIVE_AT_ONCE = 2
"""Live keys of one holder and label: the old one and its successor."""
KIND_OF_PARTY = {"department": "department", "office": "department", "bureau": "bureau", "node": "node"}
"""What a party must be in the catalogue for a credential of that kind."""
_AnyOrder = PartyKey | OperatorKey | OfficerToken | SubjectToken


async def create_key(ctx: Context, order: KeyOrder) -> NewCredential:
    """An API key for a system. Its text is in the answer and nowhere else.

    SignatureNeeded for a bureau outside a sandbox, Invalid for its party or its times, TooManyKeys where two are live.
    """
    if order.kind == "bureau" and not ctx.node.sandbox:
        raise SignatureNeeded
    return await _create(ctx, order)


async def create_person_token(ctx: Context, order: PersonOrder) -> NewCredential:
    """A token for a person: a subject, by the id the vault gave them, or a named officer of a party."""
    return await _create(ctx, order)


async def revoke(ctx: Context, key: str) -> CredentialLine:
    """Take a credential back: every door refuses it within a second. Again is the same; NotFound for an unknown id."""
    row = await store.revoke(await ctx.alone(), key, at=ctx.instant, by=_who(ctx))
    if row is None:
        raise NotFound("No credential has this id; list them to find it.", "没有该编号的凭证，请先列出查询。")
    return _line(row)


async def credentials(
    ctx: Context, *, party: str | None = None, kind: str | None = None, cursor: str | None = None, limit: int = 100
) -> Page[CredentialLine]:
    """A page of credentials, revoked and expired ones too."""
    after = paging.read(cursor, paging.word)
    rows = await store.page(await ctx.alone(), party=party, kind=kind, after=after, limit=limit + 1)
    return paging.page(rows, limit=limit, place=lambda row: row.key, shown=_line)


def _line(row: Row) -> CredentialLine:
    return CredentialLine.model_validate(dict(row))


async def _create(ctx: Context, order: _AnyOrder) -> NewCredential:
    if isinstance(order, PartyKey | OfficerToken):
        await _assert_party(ctx, order)
    not_before, expires = _times(order, ctx.instant)
    holder = {"party": None, "officer": None, "subject": None} | order.model_dump(
        include={"kind", "party", "officer", "subject", "label"}
    )
    await ctx.lock([uuid5(NAMESPACE_OID, repr(sorted(holder.items())))])
    await _refuse_a_third(ctx, holder)
    fresh = Credential.fresh(ctx.node.code)
    row = holder | {
        "key": fresh.key,
        "scopes": sorted(set(order.scopes)),
        "items": None if order.items is None else sorted(set(order.items)),
        "not_before": not_before,
        "expires": expires,
        "created": ctx.instant,
        "created_by": _who(ctx),
        "revoked": None,
        "revoked_by": None,
    }
    mac = partial(ctx.keys.mac, "credential")
    kept = {"hash": fresh.hashed(mac), "hash_algorithm": ctx.keys.algorithm("credential")}
    await store.add(await ctx.session(), row | kept)
    return NewCredential.model_validate({**row, "credential": fresh.reveal(mac)})


async def _assert_party(ctx: Context, order: PartyKey | OfficerToken) -> None:
    """Invalid unless the party may have it; NotFollowed while this process may only not have heard of it."""
    try:
        _check_party(ctx, order)
    except Invalid:
        if not await has_followed(await ctx.session(), ctx.equipment):
            raise NotFollowed from None
        raise


def _check_party(ctx: Context, order: PartyKey | OfficerToken) -> None:
    found = ctx.followed(Directory).party(order.party)
    if found is None or not found.active:
        raise _wrong(
            "/party",
            "unknown_party",
            "The catalogue has no active party of this code; see GET /v1/catalogue/parties.",
            "目录中没有该代码的有效参与方；见 GET /v1/catalogue/parties。",
        )
    if found.kind != KIND_OF_PARTY[order.kind]:
        raise _wrong(
            "/kind",
            "kind_of_party",
            f"In the catalogue this party is of kind {found.kind}; name a kind that fits it.",
            f"该参与方在目录中的类别为 {found.kind}；请选择相符的类别。",
        )
    if order.kind == "office" and OFFICE_DUTY not in found.duties:
        raise _wrong(
            "/kind",
            "no_office",
            f"Only the credit office acts as such: a department with the duty {OFFICE_DUTY}; name the kind department.",
            f"仅信用工作机构（具有职责 {OFFICE_DUTY} 的部门）可使用该类凭证；请使用 department。",
        )


def _times(order: _AnyOrder, now: datetime) -> tuple[datetime, datetime]:
    not_before = order.not_before or now
    expires = order.expires or now + LONGEST
    if expires > now + LONGEST:
        raise _wrong("/expires", "too_late", "At most 366 days from now.", "最长为自现在起 366 天。")
    if expires <= max(not_before, now):
        raise _wrong(
            "/expires",
            "too_early",
            "It must lie after now and after not_before.",
            "须晚于当前时间，且晚于 not_before。",
        )
    return not_before, expires


def _wrong(pointer: str, code: str, detail: str, detail_zh: str) -> Invalid:
    error = FieldError(pointer=pointer, code=code, detail=detail, detail_zh=detail_zh)
    return Invalid("See errors for the field.", "字段问题见 errors。", errors=[error])


async def _refuse_a_third(ctx: Context, holder: dict[str, object]) -> None:
    live = await store.live_keys(await ctx.session(), holder, at=ctx.instant)
    if len(live) >= LIVE_AT_ONCE:
        raise TooManyKeys(
            f"Revoke one of {', '.join(live)} first, or give the new one another label.",
            f"请先撤销 {'、'.join(live)} 之一，或为新密钥使用其他 label。",
        )


def _who(ctx: Context) -> str:
    caller = ctx.known_caller
    return caller.officer or caller.credential
