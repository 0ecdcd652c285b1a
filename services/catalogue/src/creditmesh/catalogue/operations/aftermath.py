"""What loading leaves behind: nothing of the node's own is replaced unasked, nothing that stands becomes unsound."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from creditmesh.catalogue import soundness
from creditmesh.catalogue.acceptance import Key, ProposedCatalogue, as_error
from creditmesh.catalogue.errors import CatalogueRefused
from creditmesh.catalogue.finding import SoundnessFinding
from creditmesh.catalogue.objects import CatalogueObject, kept
from creditmesh.catalogue.store import Publication
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.histories import Published
from creditmesh.schemas.identifiers import RANK
from creditmesh.schemas.problems import FieldError

_BANNED = "forbidden_attribute"
Fault = tuple[Key, SoundnessFinding]


def assert_not_own(
    entries: Sequence[CatalogueObject], before: Mapping[Key, Publication], above: Mapping[Key, Publication], tier: Tier
) -> None:
    """CatalogueRefused where an object that a lower tier made of its own has the code of one that comes."""
    taken = [entry for entry in entries if entry.kind != "party" and _is_own(entry, before, above, tier)]
    if taken:
        raise _refused([_taken(entry) for entry in taken])


def _is_own(
    entry: CatalogueObject, before: Mapping[Key, Publication], above: Mapping[Key, Publication], tier: Tier
) -> bool:
    key = (entry.kind, entry.code)
    own = before.get(key)
    stands = own is not None and own.state == "published" and RANK[cast("Tier", own.issued_by)] < RANK[tier]
    return stands and key not in above


def leaves_sound(before: Mapping[Key, Publication], rows: Sequence[Publication]) -> tuple[str, ...]:
    """The fields that no row may bring any more; CatalogueRefused where anything else of what stands becomes unsound.

    Only code sets and rules do that to objects beside them; what was unsound before stays as it is.
    """
    if not any(row.kind in {"code_set", "rule"} for row in rows):
        return ()
    standing = _bodies(before.values())
    after = standing | _bodies(rows)
    known = set(_faults(standing))
    new = [(key, each) for key, each in _faults(after) if (key, each) not in known]
    unsound = [_fault(key, each) for key, each in new if each.code != _BANNED]
    if unsound:
        raise _refused(unsound)
    return tuple(f"{code}{each.pointer.removeprefix('/fields')}" for (_, code), each in new)


def _bodies(rows: Iterable[Publication]) -> dict[Key, Published]:
    return {(row.kind, row.code): kept(row.kind, row.body) for row in rows if row.state == "published"}


def _faults(bodies: Mapping[Key, Published]) -> Iterator[Fault]:
    proposed = ProposedCatalogue(bodies, ())
    return ((key, found) for key, body in bodies.items() for found in soundness.findings(body, proposed))


def _taken(entry: CatalogueObject) -> FieldError:
    return FieldError(
        pointer=f"/{entry.kind}/{entry.code}",
        code="own_code",
        detail="An object of this node's own has this code, and the shipped one would take its place. Publish yours "
        'under another code and withdraw this one, or ask for it with "again" (--again).',
        detail_zh="本节点自有对象已使用该代码，加载将取代之；请将自有对象改用其他代码并撤销原对象，"
        "或以 again（--again）明确要求取代。",
    )


def _fault(key: Key, found: SoundnessFinding) -> FieldError:
    told = f"It stands, and would be unsound beside what comes: {found.detail}"
    told_zh = f"现行对象在加载后将不符合规则：{found.detail_zh}"
    return as_error(key, found._replace(detail=told, detail_zh=told_zh))


def _refused(errors: Sequence[FieldError]) -> CatalogueRefused:
    return CatalogueRefused("See errors for each object.", "各对象问题见 errors。", errors=errors)
