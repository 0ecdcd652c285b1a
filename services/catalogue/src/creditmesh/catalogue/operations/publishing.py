"""Publishing objects and withdrawing them.

What is published is decided on the service's own table, under a lock; everybody, this service's directory included,
learns it from the stream.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple, cast

from creditmesh.catalogue import store
from creditmesh.catalogue.acceptance import Issued, Key, ProposedCatalogue, findings
from creditmesh.catalogue.errors import AlreadyWithdrawn, CatalogueRefused, UnknownObject
from creditmesh.catalogue.objects import CatalogueObject, digest_of, kept, numbered
from creditmesh.catalogue.store import Publication
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.events import CatalogueChanged
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.histories import Published
from creditmesh.schemas.problems import FieldError


class PublishResult(NamedTuple):
    """What became of a set of objects."""

    published: tuple[Publication, ...]
    unchanged: int


async def publish(
    ctx: Context,
    entries: Sequence[CatalogueObject],
    *,
    issued_by: Tier,
    effective: date | None = None,
    basis: str | None = None,
    again: bool = False,
    by: str | None = None,
) -> PublishResult:
    """Publish what `judged` lets through, all or nothing. `by` is who published where no caller did."""
    found = await judged(ctx, entries, issued_by=issued_by, effective=effective, basis=basis, again=again)
    rows = found.published if by is None else tuple(row._replace(by=by) for row in found.published)
    await append(ctx, rows)
    return PublishResult(rows, found.unchanged)


async def judged(
    ctx: Context,
    entries: Sequence[CatalogueObject],
    *,
    issued_by: Tier,
    effective: date | None = None,
    basis: str | None = None,
    again: bool = False,
    over: Collection[Key] = (),
) -> PublishResult:
    """What is new or changed, as it would be published; CatalogueRefused names everything that forbids it.

    A body that stands already is left alone, and so is one that was published before and replaced since: a stale copy
    never rolls the catalogue back. What was withdrawn, be it from a day to come, stays so whatever its new body says.
    `again` says that either shall be published all the same, but not what a higher tier withdrew; `over` says it of
    these objects alone.
    """
    session = await ctx.session()
    await store.lock(session, ctx.equipment.service.lock_class)
    newest = await store.newest(session)
    known = set() if again else {each for each in await store.digests(session) if each[:2] not in over}
    withdrawn = set() if again else {key for key, row in newest.items() if row.state == "withdrawn" and key not in over}
    changed = tuple(
        entry for entry in entries if (entry.kind, entry.code) not in withdrawn and not _stands(entry, newest, known)
    )
    await _check(ctx, changed, newest, issued_by)
    effective = effective or ctx.legal_date
    rows = tuple(
        _row(ctx, entry, newest.get((entry.kind, entry.code)), issued_by=issued_by, effective=effective, basis=basis)
        for entry in changed
    )
    return PublishResult(rows, len(entries) - len(rows))


async def withdraw(
    ctx: Context, kind: ObjectKind, code: str, *, basis: str, effective: date | None = None
) -> Publication:
    """Withdraw an object from a day on, today or later; withdrawn again from the same day, it stays as it is.

    UnknownObject if there never was one, AlreadyWithdrawn if it is withdrawn from another day.
    """
    since = effective or ctx.legal_date
    session = await ctx.session()
    await store.lock(session, ctx.equipment.service.lock_class)
    before = (await store.newest(session)).get((kind, code))
    if before is None:
        raise UnknownObject("Look it up in the directory.", "请查询目录。")
    if before.state == "withdrawn":
        if effective in {None, before.effective}:
            return before
        raise AlreadyWithdrawn(f"It is withdrawn from {before.effective} on.", f"已自 {before.effective} 起撤销。")
    if since < ctx.legal_date:
        raise _in_the_past()
    row = before._replace(
        number=before.number + 1,
        state="withdrawn",
        effective=since,
        issued_by=ctx.node.tier,
        basis=basis,
        at=ctx.instant,
        by=_by(ctx),
    )
    await append(ctx, [row])
    return row


async def append(ctx: Context, rows: Sequence[Publication]) -> None:
    """Add these rows and tell everybody; whoever calls has decided, under the lock, that they may stand."""
    await store.add(await ctx.session(), rows)
    for row in rows:
        ctx.emit(CatalogueChanged.model_validate(row._asdict()))


def _stands(entry: CatalogueObject, newest: dict[Key, Publication], known: set[tuple[ObjectKind, str, bytes]]) -> bool:
    digest = digest_of(entry.body)
    if (entry.kind, entry.code, digest) in known:
        return True
    before = newest.get((entry.kind, entry.code))
    return before is not None and before.state == "published" and before.digest == digest


async def _check(
    ctx: Context, entries: tuple[CatalogueObject, ...], newest: dict[Key, Publication], issued_by: Tier
) -> None:
    standing = {key: _body(row) for key, row in newest.items() if row.state == "published"}
    issued: dict[Key, list[Issued]] = {}
    for row in await store.issued(await ctx.session()):
        body = _body(row) if row.state == "published" else None
        version = Issued(cast("Tier", row.issued_by), row.number, body)
        issued.setdefault((row.kind, row.code), []).append(version)
    known = ProposedCatalogue(standing, entries, issued=issued)
    errors = findings(entries, known, issued_by=issued_by, sandbox=ctx.node.sandbox)
    if errors:
        raise CatalogueRefused("See errors for each object.", "各对象问题见 errors。", errors=errors)


def _body(row: Publication) -> Published:
    return kept(row.kind, row.body)


def _row(
    ctx: Context,
    entry: CatalogueObject,
    before: Publication | None,
    *,
    issued_by: Tier,
    effective: date,
    basis: str | None,
) -> Publication:
    number = 1 if before is None else before.number + 1
    return Publication(
        kind=entry.kind,
        code=entry.code,
        number=number,
        state="published",
        effective=effective,
        issued_by=issued_by,
        basis=basis,
        digest=digest_of(entry.body),
        body=numbered(entry.body, number),
        at=ctx.instant,
        by=_by(ctx),
    )


def _by(ctx: Context) -> str:
    caller = ctx.caller
    return "operator" if caller is None else caller.officer or caller.party or caller.credential


def _in_the_past() -> Invalid:
    return Invalid(
        "A withdrawal holds from today or a later day.",
        "撤销须自当日或以后日期起生效。",
        errors=[
            FieldError(
                pointer="/effective",
                code="in_the_past",
                detail="Give today or a later day.",
                detail_zh="请填写当日或以后日期。",
            )
        ],
    )
