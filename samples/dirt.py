"""The dirt of real files: what is done to a clean row, and what the gate must then say.

Spellings that the node reads all the same leave a row accepted; slips that may be genuine hold it for an officer; what
the law or the catalogue does not let in is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.identity import USCC_PLACEHOLDER
from samples.invented import minor
from samples.row import CATEGORY, OPEN, Row

FULL_WIDTH = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})
FUTURE = "2062-11-02"
"""A slip of the pen for 2026-11-02, still to come for a long time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the fields that can be soiled are called in an item."""

    name: str
    kind: str
    uscc: str
    registration: str
    document: str
    representative: tuple[str, str, str]
    """Name, kind of document, number."""
    number: str
    decided: str
    until: str
    beginning: str | None
    coded: str
    unknown_word: str
    """What is not a value of `coded`."""
    issuer: str
    source: str

    def own(self, row: Row) -> str:
        """The field with the number of the row's subject."""
        return self.document if row.kind == "natural_person" else self.uscc


PENALTY = Names(
    name="CF_XDR_MC",
    kind="CF_XDR_LB",
    uscc="CF_XDR_SHXYM",
    registration="CF_XDR_GSZC",
    document="CF_XDR_ZJHM",
    representative=("CF_FRDB", "CF_FR_ZJLX", "CF_FR_ZJHM"),
    number="CF_WSH",
    decided="CF_JDRQ",
    until="CF_YXQ",
    beginning=None,
    coded="CF_CFLB",
    unknown_word="罚金",
    issuer="CF_CFJGDM",
    source="CF_SJLYDM",
)
LICENCE = Names(
    name="XK_XDR_MC",
    kind="XK_XDR_LB",
    uscc="XK_XDR_SHXYM",
    registration="XK_XDR_GSZC",
    document="XK_XDR_ZJHM",
    representative=("XK_FRDB", "XK_FR_ZJLX", "XK_FR_SFZH"),
    number="XK_WSH",
    decided="XK_JDRQ",
    until="XK_YXQZI",
    beginning="XK_YXQZ",
    coded="XK_XKLB",
    unknown_word="行政确认",
    issuer="XK_XKJGDM",
    source="XK_LYDWDM",
)


@dataclass(frozen=True, slots=True)
class By:
    """What soiling needs beside the row."""

    names: Names
    random: Random
    stranger: str
    """The code of a body that the sender may not submit for."""


Soil = Callable[[Row, By], None]


def full_width(row: Row, by: By) -> None:
    """Accepted: digits and letters typed in full width."""
    for code in (by.names.own(row), by.names.decided):
        row.fields[code] = row.fields[code].translate(FULL_WIDTH)


def trailing_spaces(row: Row, _by: By) -> None:
    """Accepted: blanks behind every value, as fixed-width tables export them."""
    row.fields = {code: f"{value}  " for code, value in row.fields.items()}


def ideographic_spaces(row: Row, by: By) -> None:
    """Accepted: ideographic spaces around the name and behind the number."""
    row.fields[by.names.name] = f"\u3000{row.fields[by.names.name]}\u3000\u3000"
    row.fields[by.names.number] += "\u3000"


def slashes(row: Row, by: By) -> None:
    """Accepted: dates as spreadsheets write them."""
    for code in (by.names.decided, by.names.until):
        year, month, day = row.fields[code].split("-")
        row.fields[code] = f"{year}/{int(month)}/{int(day)}"


def lower_case(row: Row, by: By) -> None:
    """Accepted: codes in lower case."""
    for code in (by.names.own(row), by.names.issuer, by.names.source):
        row.fields[code] = row.fields[code].lower()


def placeholder_with_registration(row: Row, by: By) -> None:
    """Accepted: a sole trader without a code, known by the registration number."""
    registration = f"9900006{by.random.randrange(10**8):08d}"
    row.fields |= {by.names.uscc: USCC_PLACEHOLDER, by.names.registration: registration}


def placeholder_alone(row: Row, by: By) -> None:
    """Refused: the placeholder without a registration number."""
    row.fields[by.names.uscc] = USCC_PLACEHOLDER
    row.becomes("refused", ("field_required", by.names.registration))


def placeholder_of_an_organisation(row: Row, by: By) -> None:
    """Refused: only sole traders may have none."""
    row.fields |= {by.names.uscc: USCC_PLACEHOLDER, by.names.registration: "990000600000000"}
    row.becomes("refused", ("placeholder_needs_registration", by.names.registration))


def wrong_check_digit(row: Row, by: By) -> None:
    """Held: genuine codes with wrong check digits exist."""
    own = by.names.own(row)
    row.fields[own] = _spoiled(row.fields[own])
    row.becomes("held", ("check_digit", own))


def wrong_check_digit_of_the_representative(row: Row, by: By) -> None:
    """Held: the same for the representative's number."""
    number = by.names.representative[2]
    row.fields[number] = _spoiled(row.fields[number])
    row.becomes("held", ("check_digit", number))


def kind_and_code_disagree(row: Row, by: By) -> None:
    """Held: an enterprise's code on a row that says sole trader."""
    row.fields[by.names.kind] = CATEGORY["sole_trader"]
    row.becomes("held", ("kind_number_mismatch", by.names.uscc))


def number_in_the_wrong_column(row: Row, by: By) -> None:
    """Held: a person's number in the organisations' column as well."""
    row.fields[by.names.uscc] = row.fields[by.names.document]
    row.becomes("held", ("kind_number_mismatch", by.names.uscc))


def decided_after_today(row: Row, by: By) -> None:
    """Refused: a decision that has not been made yet."""
    row.fields |= {by.names.decided: FUTURE, by.names.until: OPEN}
    row.fields.pop("CF_GSJZQ", None)
    if by.names.beginning is not None:
        row.fields[by.names.beginning] = FUTURE
    row.becomes("refused", ("future_date", by.names.decided))


def no_such_day(row: Row, by: By) -> None:
    """Refused: the calendar has no such day."""
    row.fields[by.names.decided] = "2026-02-30"
    row.becomes("refused", ("bad_date", by.names.decided))


def unknown_code(row: Row, by: By) -> None:
    """Refused: a word that is not in the code set."""
    row.fields[by.names.coded] = by.names.unknown_word
    row.becomes("refused", ("bad_code", by.names.coded))


def unknown_kind(row: Row, by: By) -> None:
    """Refused: a kind of subject nobody knows."""
    row.fields[by.names.kind] = "企业"
    row.becomes("refused", ("bad_code", by.names.kind))


def number_missing(row: Row, by: By) -> None:
    """Refused: no number of the decision."""
    row.fields[by.names.number] = "\u3000"
    row.becomes("refused", ("field_required", by.names.number))


def representative_missing(row: Row, by: By) -> None:
    """Refused: an organisation without its representative."""
    for code in by.names.representative:
        row.fields.pop(code)
    row.becomes("refused", ("field_required", by.names.representative[0]))


def a_minor(row: Row, by: By) -> None:
    """Refused: a person under 18 is no subject of credit records."""
    young = minor(by.random.randrange(500, 900))
    row.fields |= {by.names.name: young.name, by.names.document: young.number}
    row.becomes("refused", ("minor", by.names.document))


def foreign_issuer(row: Row, by: By) -> None:
    """Refused: another body's decision."""
    row.fields[by.names.issuer] = by.stranger
    row.becomes("refused", ("issuer_not_yours", by.names.issuer))


def foreign_source(row: Row, by: By) -> None:
    """Refused: another unit's data."""
    row.fields[by.names.source] = by.stranger
    row.becomes("refused", ("source_not_yours", by.names.source))


def ends_before_it_begins(row: Row, by: By) -> None:
    """Refused: valid until a day before it was decided."""
    row.fields[by.names.until] = "2016-01-01"
    row.becomes("refused", ("dates_reversed", by.names.until))


def yuan_for_ten_thousands(row: Row, _by: By) -> None:
    """Held: a small fine in 元 where 万元 is meant; only the text gives it away."""
    row.fields |= {"CF_CFLB": "罚款", "CF_NR": "处以罚款人民币2,000元。", "CF_NR_FK": "2000"}
    row.becomes("held", ("fine_unit", "CF_NR_FK"))


def many_yuan_for_ten_thousands(row: Row, _by: By) -> None:
    """Held: a larger one, which is beyond what is plausible too."""
    row.fields |= {"CF_CFLB": "罚款", "CF_NR": "处以罚款人民币叁万元整。", "CF_NR_FK": "30000"}
    row.becomes("held", ("fine_implausible", "CF_NR_FK"), ("fine_unit", "CF_NR_FK"))


ANY: tuple[tuple[Soil, SubjectKind | None], ...] = (
    (full_width, None),
    (trailing_spaces, None),
    (ideographic_spaces, None),
    (slashes, None),
    (lower_case, None),
    (placeholder_with_registration, "sole_trader"),
    (placeholder_alone, "sole_trader"),
    (placeholder_of_an_organisation, "organisation"),
    (wrong_check_digit, "organisation"),
    (wrong_check_digit, "natural_person"),
    (wrong_check_digit_of_the_representative, "organisation"),
    (kind_and_code_disagree, "organisation"),
    (number_in_the_wrong_column, "natural_person"),
    (decided_after_today, None),
    (no_such_day, None),
    (unknown_code, None),
    (unknown_kind, None),
    (number_missing, None),
    (representative_missing, "organisation"),
    (a_minor, "natural_person"),
    (foreign_issuer, None),
    (foreign_source, None),
    (ends_before_it_begins, None),
)
"""Each kind of dirt, with the kind of subject it needs (None: any)."""

OF_PENALTIES: tuple[tuple[Soil, SubjectKind | None], ...] = (
    (yuan_for_ten_thousands, None),
    (many_yuan_for_ten_thousands, None),
)


def _spoiled(number: str) -> str:
    return number[:-1] + ("1" if number[-1] != "1" else "2")
