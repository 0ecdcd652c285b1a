"""What subjects permit: giving, looking at, taking back, and whether one stands for a query."""

from datetime import date, timedelta
from functools import lru_cache
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.http import paging
from creditmesh.chassis.http.idempotency import recall, remember
from creditmesh.chassis.vault.keys import Keys
from creditmesh.query import authorisation as permission
from creditmesh.query.authorisation import LONGEST
from creditmesh.query.errors import NotAnAuthorisation, NotYours
from creditmesh.query.release import opens
from creditmesh.query.store import authorisations
from creditmesh.query.store.authorisations import Authorisation
from creditmesh.schemas import authorisation_text as signed
from creditmesh.schemas.authorisation_text import Claims, NotSignedHere
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events.access import AccessOutcome
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.queries import AuthorisationIn, AuthorisationOut
from creditmesh.schemas.rules.grounds import Ground, may_be_authorised

TEXTS_KEPT = 1024
"""Authorisations whose claims this process keeps in memory; a text is 18 KB at most."""
_NONE = (
    "There is no such authorisation of yours; check its id, or its signed text.",
    "没有属于您的该授权；请核对授权编号或签名文本。",
)
_NEVER_RELEASED = (
    "Of subjects of your kind the item is never released on an authorisation; leave it out.",
    "对您这类主体，该条目不得依授权披露；请删除。",
)


def ground_of(ctx: Context, token: str | None, *, purpose: str) -> Ground | None:
    """The ground that an authorisation of the subject gives the caller for this purpose today; None: it gives none.

    Its signed text decides; that it is not revoked or used up is decided where the use is counted.
    """
    claims = None if token is None else _kept_claims(ctx.keys, _issuer(ctx), token)
    caller = ctx.known_caller
    if claims is None or not permission.holds(claims, bureau=caller.party, purpose=purpose, on=ctx.legal_date):
        return None
    directory = ctx.followed(Directory)
    party = None if caller.party is None else directory.party(caller.party)
    if not may_be_authorised(directory.purpose(purpose, on=ctx.legal_date), party):
        return None
    return Ground(kind="authorisation", items=claims.items, until=claims.valid_until)


async def give_authorisation(
    ctx: Context, wanted: AuthorisationIn, *, key: str | None = None, digest: bytes = b""
) -> tuple[AuthorisationOut, bool]:
    """Sign and keep what the calling subject permits; the one made before, if the Idempotency-Key says so.

    NotAnAuthorisation names each field that the catalogue or the calendar does not allow.
    """
    earlier = None if key is None else await recall(ctx, key, digest)
    if earlier is not None:
        return await my_authorisation(ctx, earlier), True
    subject = _subject(ctx)
    _check(ctx, wanted, (await ctx.vault.kinds([subject])).get(subject))
    given = _signed(ctx, wanted)
    if key is not None and (first := await remember(ctx, key, digest, given.id)) != given.id:
        return await my_authorisation(ctx, first), True
    await authorisations.give(await ctx.session(), given)
    return _out(ctx, given), False


async def my_authorisation(ctx: Context, id: UUID) -> AuthorisationOut:  # noqa: A002
    """One that the calling subject gave; NotFound otherwise."""
    subject = _subject(ctx)
    row = await authorisations.find(await ctx.alone(), id, parts=[ctx.part(str(subject))])
    if row is None or row.subject != subject:
        raise NotFound(*_NONE)
    return _out(ctx, row)


async def my_authorisations(ctx: Context, *, subject: UUID, after: str | None, limit: int) -> Page[AuthorisationOut]:
    """What the calling subject has permitted, newest first; an access like any look at one's own."""
    page = await listed(ctx, subject=subject, after=after, limit=limit)
    ctx.disclose(subject, purpose="own_authorisations", ground="self", outcome="released")
    return page


async def listed(ctx: Context, *, subject: UUID, after: str | None, limit: int) -> Page[AuthorisationOut]:
    """A page of what a subject has permitted, newest first."""
    session = await ctx.alone()
    part, before = ctx.part(str(subject)), paging.read(after, UUID)
    rows = await authorisations.page(session, part=part, subject=subject, before=before, limit=limit + 1)
    return paging.page(rows, limit=limit, place=lambda row: row.id, shown=lambda row: _out(ctx, row))


async def revoke_authorisation(ctx: Context, id: UUID, *, subject: UUID) -> None:  # noqa: A002
    """Take it back: from the commit on no query is answered under it.

    NotFound if there is none; NotYours, a kept access of who gave it, if it is somebody else's.
    """
    part = ctx.part(str(subject))
    if await authorisations.revoke(await ctx.alone(), id, part=part, subject=subject, at=ctx.instant):
        return
    row = await authorisations.find(await ctx.alone(), id, parts=range(ctx.node.parts))
    if row is None:
        raise NotFound(*_NONE)
    _disclose(ctx, row, outcome="refused", reason=NotYours.code)
    raise NotYours(*_NONE)


async def look_at_authorisation(ctx: Context, id: UUID) -> AuthorisationOut:  # noqa: A002
    """One given to the calling party; for another's and for none the same. Looks and attempts are accesses."""
    row = await authorisations.find(await ctx.alone(), id, parts=range(ctx.node.parts))
    if row is None:
        raise NotFound(*_NONE)
    if row.bureau != ctx.known_caller.party:
        _disclose(ctx, row, outcome="refused", reason=NotYours.code)
        raise NotYours(*_NONE)
    _disclose(ctx, row, outcome="released")
    return _out(ctx, row)


async def hand_in_authorisation(ctx: Context, token: str) -> AuthorisationOut:
    """The authorisation of a signed text that the subject handed to the calling party; refusals as above."""
    claims = _claims(ctx.keys, _issuer(ctx), token)
    if claims is None:
        raise NotFound(*_NONE)
    return await look_at_authorisation(ctx, claims.jti)


def _disclose(ctx: Context, row: Authorisation, *, outcome: AccessOutcome, reason: str | None = None) -> None:
    ctx.disclose(
        row.subject,
        purpose="authorisation",
        ground="authorisation",
        outcome=outcome,
        reason=reason,
        authorisation=row.id,
    )


def _claims(keys: Keys, issuer: str, token: str) -> Claims | None:
    try:
        return signed.read(
            token, issuer=issuer, verify=lambda key, data, signature: keys.verify(data, signature, key=key)
        )
    except NotSignedHere:
        return None


_kept_claims = lru_cache(maxsize=TEXTS_KEPT)(_claims)
"""The same of a text that this node keeps: it never changes, so that its signature is checked once."""


def _issuer(ctx: Context) -> str:
    return signed.issuer_of(ctx.node.code)


def _signed(ctx: Context, wanted: AuthorisationIn) -> Authorisation:
    subject = _subject(ctx)
    claims = Claims(
        iss=_issuer(ctx),
        jti=ctx.new_id(),
        iat=int(ctx.instant.timestamp()),
        sub=_handle(ctx, subject, wanted.bureau),
        grantee=wanted.bureau,
        purpose=wanted.purpose,
        items=tuple(dict.fromkeys(wanted.items)),
        valid_from=wanted.valid_from or ctx.legal_date,
        valid_until=wanted.valid_until,
        max_uses=wanted.max_uses,
    )
    return Authorisation(
        part=ctx.part(str(subject)),
        id=claims.jti,
        subject=subject,
        bureau=claims.grantee,
        token=signed.sign(claims, key_id=ctx.keys.key_id("node"), signature=ctx.keys.sign),
        valid_from=claims.valid_from,
        valid_until=claims.valid_until,
        max_uses=claims.max_uses,
        given_at=ctx.instant,
    )


def _subject(ctx: Context) -> UUID:
    subject = ctx.known_caller.subject
    if subject is None:
        raise NotFound(*_NONE)
    return subject


def _handle(ctx: Context, subject: UUID, bureau: str) -> str:
    """What one bureau knows the subject by; two bureaus cannot compare theirs."""
    return ctx.keys.mac("index", f"authorisation|{bureau}|{subject}".encode())[:16].hex()


def _check(ctx: Context, wanted: AuthorisationIn, kind: SubjectKind | None) -> None:
    """`kind` is the subject's by what was accepted of them; None, where nothing was, forbids nothing."""
    directory, today = ctx.followed(Directory), ctx.legal_date
    wrong: list[FieldError] = []
    party = directory.party(wanted.bureau)
    if party is None or not party.active or party.kind not in {"bureau", "department"}:
        wrong.append(
            _field("/bureau", "unknown_party", "No such bureau; see /v1/catalogue/parties.", "没有该征信机构。")
        )
    elif not may_be_authorised(directory.purpose(wanted.purpose, on=today), party):
        wrong.append(
            _field("/purpose", "purpose", "Not a purpose that can be authorised for it.", "该用途不可授权给该机构。")
        )
    for place, code in enumerate(wanted.items):
        item = directory.item(code, on=today)
        if item is None:
            wrong.append(_field(f"/items/{place}", "unknown_item", "The catalogue has no such item.", "目录无此条目。"))
        elif not opens(item, [each for each in item.kinds if kind in {None, each}], ground="authorisation"):
            wrong.append(_field(f"/items/{place}", "not_disclosed", *_NEVER_RELEASED))
    wrong += _days(wanted, today)
    if wrong:
        raise NotAnAuthorisation("See errors for each field.", "各字段问题见 errors。", errors=wrong)


def _days(wanted: AuthorisationIn, today: date) -> list[FieldError]:
    begins = wanted.valid_from or today
    if begins < today:
        return [_field("/valid_from", "past", "It cannot begin before today.", "不得早于今日。")]
    if not begins < wanted.valid_until <= begins + LONGEST:
        most = LONGEST // timedelta(days=1)
        return [
            _field("/valid_until", "period", f"1 to {most} days after it begins.", f"须在生效后 1 至 {most} 日内。")
        ]
    return []


def _field(pointer: str, code: str, detail: str, detail_zh: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail, detail_zh=detail_zh)


def _out(ctx: Context, row: Authorisation) -> AuthorisationOut:
    claims = _kept_claims(ctx.keys, _issuer(ctx), row.token)
    if claims is None:
        raise RuntimeError(f"authorisation {row.id} does not carry this node's signature")
    return AuthorisationOut(
        id=row.id,
        bureau=claims.grantee,
        purpose=claims.purpose,
        items=claims.items,
        valid_from=claims.valid_from,
        valid_until=claims.valid_until,
        max_uses=claims.max_uses,
        uses=row.uses,
        state=permission.state(claims, uses=row.uses, revoked_at=row.revoked_at, on=ctx.legal_date),
        given_at=row.given_at,
        revoked_at=row.revoked_at,
        token=row.token,
    )
