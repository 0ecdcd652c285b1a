"""Whether objects may be published: the law first, then the higher tier's catalogue, then that nothing dangles.

A lower tier adds an item, a list, a measure or a matter only on a basis of its own level, no purpose at all, puts
nobody on a higher tier's list by an item of its own, and never widens what a higher tier issued (国办发〔2020〕49号;
深圳经济特区社会信用条例 arts. 31-35).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from creditmesh.catalogue import peering, soundness
from creditmesh.catalogue.finding import SoundnessFinding, at
from creditmesh.catalogue.objects import CatalogueObject
from creditmesh.schemas.catalogue import CreditList, Item, Matter, Measure, Party, Purpose, Tier
from creditmesh.schemas.catalogue.narrowing import wider
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.histories import Published
from creditmesh.schemas.identifiers import RANK
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.identity import is_invented
from creditmesh.schemas.rules.numbers import uscc_check

Key = tuple[ObjectKind, str]
"""A kind and a code."""

_INVENTED = at(
    "/uscc",
    "invented",
    "Codes of region 990000 are invented, for sandboxes only; give the real code, or make another node with "
    "CREDITMESH_SANDBOX=true, which is fixed when a node is created.",
    "区划 990000 的代码为虚构代码，仅供沙箱使用；请填写真实代码，或以 CREDITMESH_SANDBOX=true 另建沙箱节点。",
)

P = TypeVar("P", bound=Published)
T = TypeVar("T")


class Issued(NamedTuple):
    """The last word of a tier on an object: a version of it, or None where it withdrew it."""

    issued_by: Tier
    number: int
    body: Published | None


class ProposedCatalogue:
    """The catalogue as it would be: what stands, and over it what shall be published."""

    def __init__(
        self,
        standing: Mapping[Key, Published],
        entries: tuple[CatalogueObject, ...],
        *,
        issued: Mapping[Key, Sequence[Issued]] | None = None,
    ) -> None:
        self._bodies = {**standing, **{(entry.kind, entry.code): entry.body for entry in entries}}
        self._issued = issued or {}
        self._answers: dict[object, Any] = {}

    def once(self, asked: object, answer: Callable[[], T]) -> T:
        """What was answered when this was asked first: to compile an item costs most of what publishing does."""
        if asked not in self._answers:
            self._answers[asked] = answer()
        return cast("T", self._answers[asked])

    def get(self, kind: ObjectKind, code: str, model: type[P]) -> P | None:
        """The object of that code as it would be."""
        found = self._bodies.get((kind, code))
        return found if isinstance(found, model) else None

    def all(self, model: type[P]) -> Iterator[P]:
        """Every object of a kind as it would be."""
        return (body for body in self._bodies.values() if isinstance(body, model))

    def above(self, kind: ObjectKind, code: str, tier: Tier) -> Published | None:
        """The newest version of the object that a higher tier issued: what this tier may narrow, never widen."""
        higher = [each for each in self._higher(kind, code, tier) if each.body is not None]
        return max(higher, key=lambda issued: issued.number).body if higher else None

    def withdrawn_above(self, entry: CatalogueObject, tier: Tier) -> bool:
        """Whether a higher tier withdrew the object: then no version of it is this tier's to publish."""
        return any(each.body is None for each in self._higher(entry.kind, entry.code, tier))

    def _higher(self, kind: ObjectKind, code: str, tier: Tier) -> list[Issued]:
        return [i for i in self._issued.get((kind, code), ()) if RANK[i.issued_by] > RANK[tier]]


def findings(
    entries: tuple[CatalogueObject, ...], of: ProposedCatalogue, *, issued_by: Tier, sandbox: bool
) -> tuple[FieldError, ...]:
    """Everything that forbids to publish these entries; empty: they may be."""
    found: list[FieldError] = []
    for entry in entries:
        wrong = [*soundness.findings(entry.body, of), *_party(entry.body, of, sandbox=sandbox)]
        widens = [] if any(each.code == "decimal" for each in wrong) else list(_widens(entry, of, issued_by))
        told = _withdrawn(entry, of, issued_by) or widens or wrong or _level(entry, of, issued_by)
        found.extend(as_error((entry.kind, entry.code), finding) for finding in told)
    return tuple(found)


def as_error(key: Key, finding: SoundnessFinding) -> FieldError:
    """The finding as it is told, at its place in the object of that kind and code."""
    pointer = f"/{key[0]}/{key[1]}{finding.pointer}"
    return FieldError(pointer=pointer, code=finding.code, detail=finding.detail, detail_zh=finding.detail_zh)


def _withdrawn(entry: CatalogueObject, of: ProposedCatalogue, issued_by: Tier) -> tuple[SoundnessFinding, ...]:
    if not of.withdrawn_above(entry, issued_by):
        return ()
    wrong = at("", "withdrawn_above", "A higher tier withdrew it; only that tier publishes it again.",
               "上级已撤销该对象；仅上级可重新发布。")  # fmt: skip
    return (wrong,)


def _widens(entry: CatalogueObject, of: ProposedCatalogue, issued_by: Tier) -> Iterator[SoundnessFinding]:
    above = of.above(entry.kind, entry.code, issued_by)
    for what in () if above is None else wider(entry.body, above):
        yield at(what, "widens", "It widens what a higher tier issued; narrow it, or ask that tier.",
                 "放宽了上级目录的规定；请收窄或报请上级修改。")  # fmt: skip


def _level(entry: CatalogueObject, of: ProposedCatalogue, issued_by: Tier) -> Iterator[SoundnessFinding]:
    body = entry.body
    if of.above(entry.kind, entry.code, issued_by) is not None:
        return
    if isinstance(body, Item) and body.tier != issued_by:
        yield at("/tier", "tier", "An item names the tier that issues it.", "目录条目的层级须为发布层级。")
    elif isinstance(body, Item) and of.above("list", body.designates or "", issued_by) is not None:
        yield at("/designates", "list_above", "A higher tier says who comes on its list; name one of your own.",
                 "上级名单的列入由上级目录规定；请使用本级名单。")  # fmt: skip
    elif isinstance(body, Purpose) and issued_by != "nation":
        yield at("", "closed_list", "The purposes are the nation's; ask that tier for one more.",
                 "用途清单由国家级目录规定；请报请国家级增补。")  # fmt: skip
    elif isinstance(body, Item | CreditList | Measure | Matter) and not _own_basis(body, issued_by):
        yield at("/basis", "basis_level", "A lower tier adds only on a basis of its own level; name it.",
                 "下级目录须以本级法规为依据；请补充。")  # fmt: skip


def _own_basis(body: Item | CreditList | Measure | Matter, issued_by: Tier) -> bool:
    return issued_by == "nation" or any(basis.level == issued_by for basis in body.basis)


def _party(body: Published, of: ProposedCatalogue, *, sandbox: bool) -> Iterator[SoundnessFinding]:
    if not isinstance(body, Party):
        return
    for code in (body.uscc, *body.issues_for):
        if uscc_check(code[:-1]) != code[-1]:
            yield at("/uscc", "check_digit", "The check digit of the code is wrong.", "统一社会信用代码校验码错误。")
        elif is_invented("uscc", code) and not sandbox:
            yield _INVENTED
    if any(other.uscc == body.uscc and other.code != body.code for other in of.all(Party)):
        yield at("/uscc", "code_taken", "Another party has this code.", "该代码已属于其他参与方。")
    yield from peering.findings(body)
