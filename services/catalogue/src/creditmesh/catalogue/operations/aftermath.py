"""What loading leaves behind: nothing that stands becomes unsound."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from creditmesh.catalogue import soundness
from creditmesh.catalogue.acceptance import Key, ProposedCatalogue, as_error
from creditmesh.catalogue.errors import CatalogueRefused
from creditmesh.catalogue.finding import SoundnessFinding
from creditmesh.catalogue.objects import kept
from creditmesh.catalogue.store import Publication
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.histories import Published
from creditmesh.schemas.problems import FieldError

_BANNED = "forbidden_attribute"
Fault = tuple[Key, SoundnessFinding]


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
    unsound = [_fault(key, each) for key, each in new if not _is_only_left_out(after[key], each)]
    if unsound:
        raise _refused(unsound)
    return tuple(f"{code}{each.pointer.removeprefix('/fields')}" for (_, code), each in new)


def _is_only_left_out(body: Published, found: SoundnessFinding) -> bool:
    """Whether rows are taken without the field: it may not be collected, and neither plays a role nor identifies."""
    if found.code != _BANNED or not isinstance(body, Item):
        return False
    used = {*body.identifying, *body.roles.model_dump(exclude_none=True).values()}
    return found.pointer.removeprefix("/fields/") not in used


def _bodies(rows: Iterable[Publication]) -> dict[Key, Published]:
    return {(row.kind, row.code): kept(row.kind, row.body) for row in rows if row.state == "published"}


def _faults(bodies: Mapping[Key, Published]) -> Iterator[Fault]:
    proposed = ProposedCatalogue(bodies, ())
    return ((key, found) for key, body in bodies.items() for found in soundness.findings(body, proposed))


def _fault(key: Key, found: SoundnessFinding) -> FieldError:
    told = f"It stands, and would be unsound beside what comes: {found.detail}"
    told_zh = f"现行对象在加载后将不符合规则：{found.detail_zh}"
    return as_error(key, found._replace(detail=told, detail_zh=told_zh))


def _refused(errors: Sequence[FieldError]) -> CatalogueRefused:
    return CatalogueRefused("See errors for each object.", "各对象问题见 errors。", errors=errors)
