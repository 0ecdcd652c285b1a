"""Every reason a row is held or refused for, or was found unchanged: a stable code and its text in both languages."""

from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons.entries import ENTRIES
from creditmesh.schemas.reasons.gate import GATE
from creditmesh.schemas.reasons.records import RECORDS
from creditmesh.schemas.reasons.rows import ROWS

REASONS = {**ROWS, **GATE, **RECORDS, **ENTRIES}


def reason(code: str, pointer: str = "", **facts: str | int) -> FieldError:
    """The reason of that code at a field (a JSON Pointer; empty: the whole row). KeyError: an unknown code or fact."""
    text = REASONS[code]
    if not facts:
        return FieldError(pointer=pointer, code=code, detail=text.detail, detail_zh=text.detail_zh)
    return FieldError(
        pointer=pointer, code=code, detail=text.detail.format(**facts), detail_zh=text.detail_zh.format(**facts)
    )
