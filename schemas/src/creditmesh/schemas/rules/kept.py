"""Rows that another tier has accepted and that are kept here: their names, types and lengths are judged, and no more.

By rules for what people type, which grow stricter, a reopening of what was right in its day would be refused. As for
what people type there is a quick way for rows in which nothing has to be looked for, and a property test holds both
equal.
"""

from collections.abc import Mapping
from typing import cast

from creditmesh.schemas.problems import MOST_FINDINGS, FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.characters import is_ordinary
from creditmesh.schemas.rules.columns import Column
from creditmesh.schemas.rules.headers import FieldNames


class KeptRows:
    """Reads such rows of one version of an item."""

    def __init__(self, names: FieldNames, columns: Mapping[str, Column]) -> None:
        self._names = names
        self._columns = columns
        self._quick = {code: (column.most, column.keep) for code, column in columns.items()}

    def read(self, fields: Mapping[str, object]) -> dict[str, str] | tuple[FieldError, ...]:
        """The canonical row, or why it is none.

        A field that this node has not is refused, and with it the row: without it the copy would be another record.
        """
        row = self._taken(fields)
        return self.examine(fields) if row is None else row

    def examine(self, fields: Mapping[str, object]) -> dict[str, str] | tuple[FieldError, ...]:
        """The same, whatever stands in the row, and everything that is wrong with it."""
        found: dict[str, str | FieldError] = {}
        errors: list[FieldError] = []
        for place, (name, value) in enumerate(fields.items(), 1):
            code = self._names.code(name)
            if code is None:
                errors.append(self._names.unknown(name, place))
            elif code in found:
                errors.append(reason("duplicate_field", f"/{code}"))
            else:
                found[code] = self._columns[code].kept(value)
            if len(errors) == MOST_FINDINGS:
                break
        errors += [value for value in found.values() if isinstance(value, FieldError)]
        if errors:
            return tuple(errors[:MOST_FINDINGS])
        return {code: value for code in self._columns if isinstance(value := found.get(code), str) and value}

    def _taken(self, fields: Mapping[str, object]) -> dict[str, str] | None:
        """The row, if its names are codes and its texts of ordinary characters, without blanks around them."""
        if not fields.keys() <= self._quick.keys():
            return None
        row = cast("dict[str, str]", {code: fields[code] for code in self._quick if code in fields})
        try:
            ordinary = is_ordinary("".join(row.values()))
        except TypeError:  # something in it is no text
            return None
        if not ordinary:
            return None
        for code, value in row.items():
            most, keep = self._quick[code]
            kept = keep(value) if len(value) <= most and value.strip() == value else None
            if not kept:
                return None
            row[code] = kept
        return row
