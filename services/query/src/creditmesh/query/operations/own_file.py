"""A person's own side: their whole file, who looked, and everything to carry away. Free, and logged like any access."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.http import paging
from creditmesh.query.operations.authorisations import listed
from creditmesh.query.operations.unsealing import answered, others_shown, readable
from creditmesh.query.store import accesses, named, nodes_above
from creditmesh.query.store.accesses import AccessLine
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.queries import AccessLog, AccessOut, ExportOut, FileOut, RecordOut


async def own_file(ctx: Context, subject: UUID, *, purpose: str = "own_file") -> FileOut:
    """Everything visible today that is about the subject or names them, of every source; what is theirs is opened."""
    found, unreadable = await named.file_of(
        await ctx.alone(),
        part=ctx.part(str(subject)),
        subject=subject,
        law=ctx.followed(Directory).own_law(ctx.legal_date),
    )
    events, values, tampered = await readable(ctx, found)
    shown = answered(ctx, events, values, viewer=subject)
    decision = _disclose(ctx, subject, purpose, shown)
    for other, theirs in others_shown(ctx, events, shown, viewer=subject).items():
        _disclose(ctx, other, purpose, theirs)
    return FileOut(
        decision_id=decision,
        as_of=ctx.legal_date,
        records=shown,
        unreadable=(*(each.record for each in unreadable), *tampered),
        copies_at=await _copies_at(ctx),
    )


async def own_accesses(ctx: Context, subject: UUID, *, after: str | None, limit: int) -> AccessLog:
    """Who looked, refusals included, newest first; reading it is an access too."""
    found = await _accesses(ctx, subject=subject, after=after, limit=limit)
    _disclose(ctx, subject, "own_accesses", ())
    return AccessLog(items=found.items, next=found.next, copies_at=await _copies_at(ctx))


async def own_export(ctx: Context, subject: UUID) -> AsyncIterator[bytes]:
    """The file, the authorisations and the accesses until now, whole, in the text of one `ExportOut`.

    It is read as it is taken, some lines at a time, after this context is over: a person's log has no end.
    """
    file = await own_file(ctx, subject, purpose="own_export")
    head = ExportOut(
        decision_id=file.decision_id,
        as_of=file.as_of,
        node=ctx.node.code,
        records=file.records,
        unreadable=file.unreadable,
        authorisations=(),
        accesses=(),
        copies_at=file.copies_at,
    )
    lists: dict[str, _List] = {"authorisations": listed, "accesses": _accesses}
    begun = {name: (await read(ctx, subject=subject, after=None, limit=_LINES), read) for name, read in lists.items()}
    return _document(ctx, subject, head.model_dump_json(exclude=set(begun)), begun)


_LINES = 100
"""Of a list, in memory at once."""


class _List(Protocol):
    async def __call__(self, ctx: Context, *, subject: UUID, after: str | None, limit: int) -> Page[Any]: ...


async def _document(
    ctx: Context, subject: UUID, head: str, lists: Mapping[str, tuple[Page[Any], _List]]
) -> AsyncIterator[bytes]:
    yield head.removesuffix("}").encode()
    for name, (first, read) in lists.items():
        page, mark = first, f',"{name}":['
        yield _entries(page, mark)
        while page.next is not None:
            async with ctx.afterwards() as later:
                page = await read(later, subject=subject, after=page.next, limit=_LINES)
            yield _entries(page, ",")
        yield b"]"
    yield b"}"


def _entries(page: Page[Any], mark: str) -> bytes:
    return (mark + ",".join(each.model_dump_json() for each in page.items)).encode()


async def _accesses(ctx: Context, *, subject: UUID, after: str | None, limit: int) -> Page[AccessOut]:
    part, before = ctx.part(str(subject)), paging.read(after, UUID)
    lines = await accesses.page(await ctx.alone(), part=part, subject=subject, before=before, limit=limit + 1)
    return paging.page(lines, limit=limit, place=lambda line: line.id, shown=_out)


async def _copies_at(ctx: Context) -> tuple[str, ...]:
    """What goes up is looked at there too: that comes down, and is in the logs of those nodes before."""
    peers = [peer.code for peer in ctx.followed(Directory).enrolled("above")]
    above = await nodes_above.by_way_of(await ctx.alone(), peers) if peers else {}
    return tuple(dict.fromkeys(node for peer in peers for node in (peer, *above.get(peer, ()))))


def _disclose(ctx: Context, subject: UUID, purpose: str, shown: Sequence[RecordOut | RecordChanged]) -> UUID:
    return ctx.disclose(
        subject,
        purpose=purpose,
        ground="self",
        outcome="nothing" if purpose == "own_file" and not shown else "released",
        items=sorted({record.item for record in shown}),
        records=[record.record for record in shown],
    )


def _out(line: AccessLine) -> AccessOut:
    return AccessOut(at=line.at, **line.event.model_dump(exclude={"subject"}))
