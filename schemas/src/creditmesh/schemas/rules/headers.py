"""The names a column may go by: field codes, Chinese names and aliases, however they are spaced or written wide."""

from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import normalize

from creditmesh.schemas.catalogue import FieldSpec, Item, Rule
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason

_ECHO_LENGTH = 40


class Columns(NamedTuple):
    """The field codes of a file's columns in their order, and what is wrong with its header."""

    codes: tuple[str, ...]
    errors: tuple[FieldError, ...]


def spelled(name: str) -> str:
    """A header as it is compared: half-width, upper case, without white space, byte order mark and required marks."""
    return "".join(normalize("NFKC", name).split()).replace("\ufeff", "").strip("*").upper()


class FieldNames:
    """Finds the field that a header or a JSON name means. ValueError if two fields of the item share a name."""

    def __init__(self, item: Item, rules: Sequence[Rule] = ()) -> None:
        self._rules = rules
        self._required = tuple(spec for spec in item.fields if spec.required)
        self._codes: dict[str, str] = {}
        for spec in item.fields:
            for name in all_names(spec):
                for form in {name, spelled(name)}:
                    if self._codes.setdefault(form, spec.code) != spec.code:
                        raise ValueError(f"two fields of the item {item.code} are called {name!r}")

    def code(self, name: str) -> str | None:
        """The field's code; None if the item has no such field."""
        return self._codes.get(name) or self._codes.get(spelled(name))

    def unknown(self, name: str, place: int) -> FieldError:
        """What to say of a name the item does not have.

        Only what looks like a field code is echoed: where a file has no header, a person's data stands there.
        """
        forbidden = any(rule.forbidden(name) for rule in self._rules)
        pointer = f"/{name}" if _is_code(name) else ""
        return reason("forbidden_attribute" if forbidden else "unknown_field", pointer, place=place)

    def columns(self, header: Sequence[str]) -> Columns:
        """The fields of a file's columns; empty columns at the end are left away."""
        errors: list[FieldError] = []
        codes: list[str] = []
        names = list(header)
        while names and not spelled(names[-1]):
            names.pop()
        for place, name in enumerate(names, 1):
            code = self.code(name)
            if code is None:
                errors.append(self.unknown(name, place))
            elif code in codes:
                errors.append(reason("duplicate_field", f"/{code}"))
            else:
                codes.append(code)
        missing = (spec for spec in self._required if spec.code not in codes)
        errors.extend(
            reason("field_required", f"/{spec.code}", name=spec.name, name_zh=spec.name_zh) for spec in missing
        )
        return Columns(tuple(codes), tuple(errors))


def all_names(spec: FieldSpec) -> tuple[str, ...]:
    """What a field may be called: its code, its Chinese name, its aliases."""
    return (spec.code, spec.name_zh, *spec.aliases)


def _is_code(name: str) -> bool:
    # No digits to speak of: an identity number must not pass for a code.
    plain = name.isascii() and name.replace("_", "").isalnum() and name[:1].isalpha()
    return plain and len(name) <= _ECHO_LENGTH and sum(c.isdigit() for c in name) < 6  # noqa: PLR2004
