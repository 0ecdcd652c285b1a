"""Loading a folder: the catalogue that comes with the software, which is the nation's, or one of the operator's."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

import structlog

from creditmesh.catalogue import folder, sandbox, store
from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.objects import CatalogueObject, kept
from creditmesh.catalogue.operations.laying_over import lay_over
from creditmesh.catalogue.operations.own_row import with_keys
from creditmesh.catalogue.operations.publishing import publish
from creditmesh.catalogue.store import Publication
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.problems import FieldError

log = structlog.get_logger(__name__)


class LoadResult(NamedTuple):
    """What became of a folder: what was published, own versions that were repeated over it, what gave way to it."""

    published: tuple[Publication, ...]
    unchanged: int
    repeated: tuple[Publication, ...] = ()
    gave_way: tuple[Publication, ...] = ()


async def load(
    ctx: Context,
    directory: Path | None = None,
    *,
    issued_by: Tier | None = None,
    basis: str | None = None,
    again: bool = False,
    whole: bool = False,
) -> LoadResult:
    """Publish a folder of YAML, by default the shipped catalogue, which is the nation's.

    Of the shipped one a node takes what the story needs; a sandbox all of it where that is asked for (`whole`).
    Over a new version of the shipped catalogue stays what this node narrowed or confirmed, as over one from the tier
    above. On a sandbox it comes with the invented parties of the node's tier. The node's own row gets the public
    halves of its keys, so that whoever was given a receipt can check it.
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
    if directory is None:
        entries = tuple(_as_given(ctx, entry, before) for entry in entries)
    entries = tuple(with_keys(ctx, entry) for entry in entries)
    published, unchanged = await publish(ctx, entries, issued_by=tier, basis=basis, again=again)
    shipped = directory is None and not again
    repeated, gave_way = await lay_over(ctx, published, before, shipped=True) if shipped else ([], [])
    for row in (*published, *repeated):
        log.info("an object was published", kind=row.kind, code=row.code, number=row.number, issued_by=row.issued_by)
    return LoadResult(published, unchanged, tuple(repeated), tuple(gave_way))


def _unread() -> Invalid:
    return Invalid(
        "See errors.",
        "见 errors。",
        errors=[
            FieldError(
                pointer="/whole",
                code="sandbox_only",
                detail="What goes beyond the first 35 objects was not compared with the law yet: it is for sandboxes. "
                "Copy what you have confirmed into a folder of yours and load that.",
                detail_zh="最初 35 个对象之外的内容尚未与法律核对，仅供沙箱使用；"
                "请将已核实的内容复制到自己的目录后加载。",
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
