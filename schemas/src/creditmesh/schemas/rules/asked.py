"""Whom a caller asks about. Pure, and for a query, a screening, an application and people's tokens alike."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import REASONS, reason
from creditmesh.schemas.rules.identity import Identity, NumberFinding, identify
from creditmesh.schemas.subject import Document

UNIDENTIFIED = tuple(
    REASONS[code] for code in ("number_shape", "kind_number_mismatch", "doubtful_number", "whole_code_needed")
)
"""What is said, for the most part, of a document that identifies nobody."""


def identified(
    kind: SubjectKind,
    document: Document,
    *,
    fillers: AbstractSet[str],
    pointer: str = "",
    kind_matters: bool = False,
) -> Identity | FieldError:
    """Who is meant, or why that is nobody, said of the subject at `pointer`.

    A wrong check digit is no hindrance where the node knows somebody by it (`unless_doubtful`): genuine codes have
    them. A kind that the number cannot be of is refused: it is a slip, and no answer to it would be about the subject
    that was meant. Where the answer depends on the kind (`kind_matters`), so is a number that does not tell it.
    """
    found = identify(kind, document.type, document.number.reveal(), fillers=fillers)
    if found is NumberFinding.MISMATCH or (isinstance(found, Identity) and NumberFinding.MISMATCH in found.doubts):
        return reason(NumberFinding.MISMATCH.value, f"{pointer}/kind")
    if kind_matters and isinstance(found, Identity) and not found.is_whole:
        return reason("whole_code_needed", f"{pointer}/document/number")
    return found if isinstance(found, Identity) else reason(found.value, f"{pointer}/document/number")


def doubtful(read: Iterable[Identity | FieldError]) -> list[Identity]:
    """Those of these whose number is doubtful: whoever answers asks the vault whom it knows of them."""
    return [each for each in read if isinstance(each, Identity) and each.doubts]


def unless_doubtful(
    read: Sequence[Identity | FieldError], known: Iterable[object | None], *, pointer: str = ""
) -> list[Identity | FieldError]:
    """The same, with the reason in place of a doubtful number that nobody is known by: no answer to a slip is true.

    `known` is whom the vault finds of the `doubtful`, in their order, and None for nobody.
    """
    found = iter(known)
    return [
        reason("doubtful_number", f"{pointer}/document/number")
        if isinstance(each, Identity) and each.doubts and next(found) is None
        else each
        for each in read
    ]
