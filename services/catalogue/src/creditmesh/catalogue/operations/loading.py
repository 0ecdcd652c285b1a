"""Loading a folder: the catalogue that comes with the software, which is the nation's, or one of the operator's."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import structlog

from creditmesh.catalogue import folder, sandbox, store
from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.objects import CatalogueObject, kept
from creditmesh.catalogue.operations.aftermath import leaves_sound
from creditmesh.catalogue.operations.laying_over import LaidOver, laid_over
from creditmesh.catalogue.operations.own_codes import coming, named
from creditmesh.catalogue.operations.own_row import with_keys
from creditmesh.catalogue.operations.publishing import append, judged
from creditmesh.catalogue.store import Publication
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.identifiers import RANK
from creditmesh.schemas.problems import FieldError

log = structlog.get_logger(__name__)


class LoadResult(NamedTuple):
    """What became of a folder: what was published, own versions that were repeated over it, what gave way to it."""

    published: tuple[Publication, ...]
    unchanged: int
    repeated: tuple[Publication, ...] = ()
    gave_way: tuple[Publication, ...] = ()
    forbidden: tuple[str, ...] = ()
    """The fields of standing items (`item/field`) that a ban which has grown does not let be collected any more."""


async def load(
    ctx: Context,
    directory: Path | None = None,
    *,
    issued_by: Tier | None = None,
    basis: str | None = None,
    again: bool = False,
    replace: Sequence[str] = (),
    whole: bool = False,
    dry_run: bool = False,
) -> LoadResult:
    """Publish a folder of YAML, by default the shipped catalogue, which is the nation's; `dry_run`: only say so.

    Of the shipped one a node takes what the story needs; a sandbox all of it where that is asked for (`whole`): some of
    the rest has a basis that was read, and would act before anybody confirmed it. Over it stays what this node narrowed
    or confirmed, as over what the tier above publishes, also where what was replaced is asked for (`again`). Whatever
    this node made gives way where it is named (`replace`); an object of its own under a shipped code is not replaced
    otherwise, and nothing is published that leaves what stands unsound: CatalogueRefused. On a sandbox it comes with
    the invented parties of the node's tier. The node's own row gets the public halves of its keys, so that whoever was
    given a receipt can check it.
    """
    if whole and not ctx.node.sandbox:
        raise _unread()
    entries = await asyncio.to_thread(_entries, directory, whole=whole)
    if directory is None and ctx.node.sandbox:
        entries += sandbox.parties(await asyncio.to_thread(folder.read, folder.invented(ctx.node.tier)), ctx.node.code)
    tier = issued_by or ("nation" if directory is None else cast("Tier", ctx.node.tier))
    session = await ctx.session()
    await store.lock(session, ctx.equipment.service.lock_class)
    before = await store.newest(session)
    above = await store.newest(session, of=[each for each, rank in RANK.items() if rank >= RANK[tier]])
    asked = named(entries, replace)
    if directory is None:
        entries = tuple(_as_given(ctx, entry, before) for entry in entries)
        entries, asked = coming(ctx, entries, before, above, asked)
    entries = tuple(with_keys(ctx, entry) for entry in entries)
    published, unchanged = await judged(ctx, entries, issued_by=tier, basis=basis, again=again, over=asked)
    unnamed = [row for row in published if (row.kind, row.code) not in asked]
    over = laid_over(ctx, unnamed, before, above, shipped=True) if directory is None else LaidOver([], [])
    # In a thread: it is seconds of CPU where a code set or a rule has changed, and others are served meanwhile.
    forbidden = await asyncio.to_thread(leaves_sound, before, (*published, *over.again))
    if not dry_run:
        await append(ctx, (*published, *over.again))
        for row in (*published, *over.again):
            log.info(
                "an object was published", kind=row.kind, code=row.code, number=row.number, issued_by=row.issued_by
            )
    return LoadResult(published, unchanged, tuple(over.again), tuple(over.gave_way), forbidden)


def _unread() -> Invalid:
    return Invalid(
        "See errors.",
        "见 errors。",
        errors=[
            FieldError(
                pointer="/whole",
                code="sandbox_only",
                detail="What goes beyond the first 35 objects is for sandboxes: nobody has compared it with the law "
                "yet, and some of it would act at once. Copy what you have confirmed, and what it names, into a folder "
                "of yours and load that.",
                detail_zh="最初 35 个对象之外的内容仅供沙箱使用：其尚未与法律核对，而部分内容一经加载即会生效。"
                "请将已核实的内容及其引用的对象复制到自己的目录后加载。",
            )
        ],
    )


def _entries(directory: Path | None, *, whole: bool) -> tuple[CatalogueObject, ...]:
    return folder.whole() if directory is None and whole else folder.read(directory or folder.shipped())


def _as_given(ctx: Context, entry: CatalogueObject, before: Mapping[Key, Publication]) -> CatalogueObject:
    """The entry; in place of the invented row of this node the one that stands: its operator may have given it."""
    row = before.get(("party", ctx.node.code))
    if (entry.kind, entry.code) != ("party", ctx.node.code) or row is None or row.state != "published":
        return entry
    return CatalogueObject("party", kept("party", row.body))
