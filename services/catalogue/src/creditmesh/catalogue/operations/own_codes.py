"""Shipped objects under the code of one that this node, or a tier between, made: none of those is replaced unasked."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.errors import CatalogueRefused
from creditmesh.catalogue.objects import CatalogueObject
from creditmesh.catalogue.store import Publication
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid
from creditmesh.schemas.problems import FieldError


class ComingObjects(NamedTuple):
    """What of the shipped objects comes, and which of it over whatever stood under its code."""

    entries: tuple[CatalogueObject, ...]
    over: frozenset[Key]


def named(entries: Sequence[CatalogueObject], replace: Sequence[str]) -> frozenset[Key]:
    """The objects of these names (`item/student_conduct`); Invalid names those of which nothing comes."""
    known = {f"{entry.kind}/{entry.code}": (entry.kind, entry.code) for entry in entries}
    unknown = [_unknown(place) for place, name in enumerate(replace) if name not in known]
    if unknown:
        raise Invalid("See errors.", "见 errors。", errors=unknown)
    return frozenset(known[name] for name in replace)


def coming(
    ctx: Context,
    entries: Sequence[CatalogueObject],
    before: Mapping[Key, Publication],
    above: Collection[Key],
    over: frozenset[Key],
) -> ComingObjects:
    """Those that come: what a tier between made stays in their place, what this node made and withdrew makes room.

    CatalogueRefused names those in whose place an object of this node's own stands, unless they are `over` it. Own is
    what no tier above (`above`) has a version of.
    """
    made = [
        row
        for entry in entries
        if entry.kind != "party"
        and (row := before.get(key := (entry.kind, entry.code)))
        and key not in over | set(above)
    ]
    own = [row for row in made if row.issued_by == ctx.node.tier]
    taken = [row for row in own if row.state == "published" or row.effective > ctx.legal_date]
    if taken:
        raise CatalogueRefused(
            "See errors for each object.", "各对象问题见 errors。", errors=[_taken(row) for row in taken]
        )
    between = {(row.kind, row.code) for row in made if row.issued_by != ctx.node.tier}
    free = {(row.kind, row.code) for row in own}
    return ComingObjects(tuple(each for each in entries if (each.kind, each.code) not in between), over | free)


def _taken(row: Publication) -> FieldError:
    return FieldError(
        pointer=f"/{row.kind}/{row.code}",
        code="own_code",
        detail="An object of this node's own has this code, and the shipped one would take its place. Publish yours "
        'under another code and withdraw this one, or name it in "replace" (--replace KIND/CODE).',
        detail_zh="本节点自有对象已使用该代码，加载将取代之；请将自有对象改用其他代码并撤销原对象，"
        "或在 replace（--replace 类别/代码）中逐一指明要取代的对象。",
    )


def _unknown(place: int) -> FieldError:
    return FieldError(
        pointer=f"/replace/{place}",
        code="not_there",
        detail="No object of this kind and code is loaded: give each as KIND/CODE, such as item/student_conduct.",
        detail_zh="所加载的目录中无此对象；请按“类别/代码”填写，例如 item/student_conduct。",
    )
