"""Who may see what of which items, and until when the answer may be used. Pure: the catalogue and the day are given."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from creditmesh.schemas.catalogue import Disclosure, Item
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.listing import listed
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.queries import RecordOut, Withheld, WithheldCode
from creditmesh.schemas.rules import freshness
from creditmesh.schemas.rules.grounds import Ground, GroundKind
from creditmesh.schemas.rules.narrowest import Narrowest, Person

OPEN_TO: Mapping[GroundKind, frozenset[Disclosure]] = {
    "statutory": frozenset({"public", "authorised", "sharing"}),
    "authorisation": frozenset({"public", "authorised"}),
}
"""What each ground opens. `sharing` (政务共享) never leaves government. A department needs no authorisation for what
its matter lists (Shanghai 2017 art. 17, Zhejiang 2017 art. 19): what limits it is the matter."""

_TEXTS: Mapping[WithheldCode, tuple[str, str]] = {
    "outside_matter": ("The matter does not list this item.", "该事项不包含此目录条目。"),
    "outside_credential": ("The credential is not for this item.", "凭证不包含此目录条目。"),
    "not_disclosed": ("The catalogue does not disclose this item on this ground.", "目录规定不得依此依据披露该条目。"),
    "item_withdrawn": ("The item was withdrawn from the catalogue.", "该目录条目已撤销。"),
    "item_unconfirmed": (
        "Nobody has confirmed the item or its list (verified); ask the catalogue's keeper.",
        "该条目或其名单尚未核实（verified）；请联系目录管理方。",
    ),
    "unknown_item": ("The catalogue has no such item.", "目录中无此条目。"),
    "nothing_released": ("No record, or not yours to know.", "无记录，或无权知悉。"),
}


_SLIPS = {
    "item_not_authorised": ("The authorisation does not name this item.", "授权不包含此目录条目。"),
    "unknown_item": (
        "The catalogue has no such item; see /v1/catalogue/items.",
        "目录中无此条目；见 /v1/catalogue/items。",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What may be read, and why each other item that was asked for may not; nothing here depends on any record."""

    items: tuple[str, ...]
    withheld: Mapping[str, WithheldCode]

    @property
    def out_of_reach(self) -> tuple[str, ...]:
        """What the ground reaches and the credential does not."""
        return tuple(code for code, reason in self.withheld.items() if reason == "outside_credential")


def plan(
    ground: Ground,
    *,
    kinds: Collection[SubjectKind],
    asked: Collection[str] | None,
    credential: Collection[str] | None,
    item: Callable[[str], Item | None],
    withdrawn: Collection[str],
    inert: Collection[str],
) -> Plan:
    """Ground ∩ credential ∩ disclosure for one of these kinds of subject ∩ not withdrawn, nor inert, item by item.

    They are what the number may be: of which kind a record's subject is, the record says (`opens`).
    """
    wanted = tuple(dict.fromkeys(ground.items if asked is None else asked))
    judged: dict[str, WithheldCode | None] = {}
    for code in wanted:
        if code not in ground.items:
            judged[code] = "outside_matter"
        elif credential is not None and code not in credential:
            judged[code] = "outside_credential"
        elif code in withdrawn:
            judged[code] = "item_withdrawn"
        elif code in inert:
            judged[code] = "item_unconfirmed"
        else:
            judged[code] = _disclosure(item(code), kinds=kinds, ground=ground.kind)
    return Plan(
        items=tuple(code for code in wanted if judged[code] is None),
        withheld={code: reason for code, reason in judged.items() if reason is not None},
    )


def slips(ground: Ground, asked: Collection[str] | None, *, known: Callable[[str], bool]) -> tuple[FieldError, ...]:
    """The items that were asked for and that an authorisation does not name, each at its place, with those it does.

    It is the caller's own, so that nothing is told by it.
    """
    found = []
    for place, code in enumerate(asked or ()):
        if code not in ground.items:
            why = "item_not_authorised" if known(code) else "unknown_item"
            found.append(_slip(f"/items/{place}", why, *_SLIPS[why], listed(ground.items)))
    return tuple(found)


def _slip(pointer: str, code: str, text: str, text_zh: str, named: tuple[str, str]) -> FieldError:
    detail, detail_zh = f"{text} It names {named[0]}.", f"{text_zh}授权包含：{named[1]}。"
    return FieldError(pointer=pointer, code=code, detail=detail, detail_zh=detail_zh)


def opens(item: Item, kinds: Collection[SubjectKind], *, ground: GroundKind) -> bool:
    """Whether such a ground opens records of this item about a subject of one of these kinds."""
    return any(item.disclosed(kind) in OPEN_TO[ground] for kind in kinds)


def _disclosure(item: Item | None, *, kinds: Collection[SubjectKind], ground: GroundKind) -> WithheldCode | None:
    if item is None:
        return "unknown_item"
    return None if opens(item, kinds, ground=ground) else "not_disclosed"


def withheld(ground: Ground, of: Plan, *, released: Iterable[str]) -> tuple[Withheld, ...]:
    """What the answer says of the items of which nothing was released.

    A department is told why. A bureau reads one and the same line for every item it got nothing of, so that "there is
    no record" and "this is not yours to know" cannot be told apart.
    """
    if ground.kind == "statutory":
        return tuple(_line(code, reason) for code, reason in of.withheld.items())
    known = set(released)
    return tuple(_line(code, "nothing_released") for code in (*of.items, *of.withheld) if code not in known)


def _line(item: str, code: WithheldCode) -> Withheld:
    detail, detail_zh = _TEXTS[code]
    return Withheld(item=item, code=code, detail=detail, detail_zh=detail_zh)


def use_until(
    records: Sequence[RecordOut],
    *,
    as_of: date,
    ground_until: date | None = None,
    withdrawn_at: Callable[[str], date | None] = lambda _: None,
) -> date:
    """The first day on which the answer may be used no more: the first expiry of all that carries it.

    `withdrawn_at` tells from which day an item is withdrawn, as far as that is announced.
    """
    ends = [record.display_until for record in records] + [ground_until]
    ends += [withdrawn_at(record.item) for record in records]
    return freshness.use_until(ends, as_of=as_of)


def shown_fields(
    event: RecordChanged, by: Narrowest | None, opened: Mapping[str, JsonValue], *, own: Person = "subject"
) -> dict[str, JsonValue]:
    """The fields for somebody who may know what is about `own`: that whole, what is about another person masked.

    In catalogue order; without the item's version only what was never sensitive is shown.
    """
    if by is None:
        return dict(event.fields)
    return by.fields({**event.fields, **opened}, event.kind, own=own)
