"""Who is meant by a number: what a person reads as the same is one subject, and what is no number is nobody."""

from datetime import date, timedelta
from functools import reduce
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from creditmesh.schemas.catalogue import CodeSet
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.rules.characters import BLANKS, HIDING
from creditmesh.schemas.rules.identity import (
    SANDBOX_REGION,
    USCC_PLACEHOLDER,
    Identity,
    NumberFinding,
    age_on,
    birth_date,
    filler_words,
    identify,
    is_invented,
    is_minor,
)
from creditmesh.schemas.rules.numbers import organisation_check, resident_check, uscc_check, written

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
SHIPPED = Path(__file__).parents[2] / "services/catalogue/src/creditmesh/catalogue/data/code_sets/number_filler.yaml"
FILLERS = filler_words(CodeSet.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))).spellings)
births = st.dates(date(1920, 1, 1), date(1999, 12, 31))


def a_resident(born: date, order: int = 1) -> str:
    first = f"{SANDBOX_REGION}{born:%Y%m%d}{order:03d}"
    return first + resident_check(first)


def an_organisation(body: str = "MA1AB2CD", head: str = "91") -> str:
    first = head + SANDBOX_REGION + body + organisation_check(body)
    return first + uscc_check(first)


def ending_in_x() -> str:
    return next(n for d in range(400) if (n := a_resident(date(1980, 1, 1) + timedelta(days=d))).endswith("X"))


def who(document: DocumentType, number: str, kind: SubjectKind = "natural_person") -> Identity:
    found = identify(kind, document, number, fillers=FILLERS)
    assert isinstance(found, Identity), found
    return found


def trouble(document: DocumentType, number: str, kind: SubjectKind = "natural_person") -> tuple[NumberFinding, ...]:
    """What is wrong or doubtful."""
    found = identify(kind, document, number, fillers=FILLERS)
    return found.doubts if isinstance(found, Identity) else (found,)


def by_the_standard(first: str) -> str:
    weights = [pow(2, 17 - i, 11) for i in range(17)]
    return "10X98765432"[sum(int(c) * w for c, w in zip(first, weights, strict=True)) % 11]


NUMBERS: list[tuple[SubjectKind, DocumentType, str]] = [
    ("natural_person", "resident_id", ending_in_x()),
    ("natural_person", "resident_id", f"{SANDBOX_REGION}491231002"),
    ("natural_person", "household_register", a_resident(date(1970, 5, 6))),
    ("natural_person", "residence_permit", a_resident(date(1971, 5, 6))),
    ("natural_person", "foreign_resident_id", "USA990000000012"),
    ("natural_person", "foreign_resident_id", a_resident(date(1972, 5, 6))),
    ("natural_person", "passport", "E12345678"),
    ("natural_person", "passport", "C01X00T47"),
    ("natural_person", "hk_macao_permit", "H1234567801"),
    ("natural_person", "taiwan_permit", "0012345601B"),
    ("natural_person", "officer_card", "南字第01234567号"),
    ("natural_person", "soldier_card", "士字第20990001号"),
    ("organisation", "uscc", an_organisation()),
    ("organisation", "uscc", "MA1AB2CD" + organisation_check("MA1AB2CD")),
    ("sole_trader", "uscc", an_organisation(head="92")),
    ("sole_trader", "registration", "990000612345678"),
    ("sole_trader", "registration", "9900006123456"),
]
known = st.sampled_from(NUMBERS)

CYRILLIC = str.maketrans("ABCEHKMOPTX", "АВСЕНКМОРТХ")
GREEK = str.maketrans("ABEHIKMOPTX", "ΑΒΕΗΙΚΜΟΡΤΧ")
FULL_WIDTH = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
spellings = st.sampled_from(
    [
        str.lower,
        str.swapcase,
        lambda n: n.translate(FULL_WIDTH),
        lambda n: n.translate(CYRILLIC),
        lambda n: n.translate(GREEK),
        lambda n: n.translate(ARABIC),
        lambda n: n[:-1] + n[-1:].replace("X", "×"),
        lambda n: f"'{n}",
        lambda n: f"＇{n}",
        lambda n: f"‘{n}",
        lambda n: f"`{n}",
        lambda n: f'="{n}"',
        lambda n: f'"{n}"',
        lambda n: f"“{n}”",
        lambda n: f"={n}",
        lambda n: f"{n}\t",
        lambda n: f"\t{n}\r\n",
        lambda n: f"（{n}）",
        lambda n: f"{n}。",
        lambda n: f"{n},",
        lambda n: f"：{n}；",
    ]
)
betweens = st.text(
    " \t\u3000\u00a0\u2009\u200b\u200c\u200e\u2060\ufeff\u00ad\ufe0f\u3164\u2800", min_size=1, max_size=3
) | (st.sampled_from(["-", "－", "–", "—", "‐", "−", "﹣", " - ", "·"]))


@given(known, st.lists(spellings, max_size=3), st.lists(st.tuples(st.integers(1, 40), betweens), max_size=3))
def test_what_a_person_reads_as_the_same_number_is_one_subject(known, ways, gaps):
    kind, document, number = known
    plain = who(document, number, kind)
    other = number
    places = {place % len(number): gap for place, gap in gaps}
    other = "".join((places.get(n, "") if n else "") + c for n, c in enumerate(number))
    for way in ways:
        other = way(other)
    assume("--" not in other)
    found = identify(kind, document, other, fillers=FILLERS)
    assert isinstance(found, Identity), (other, found)
    assert (found.key, found.number.reveal()) == (plain.key, plain.number.reveal()), other


LABELLED = ("{}（1-1）", "{}（副本）", "（{}）（正本）", "号码：{}", "No.{}")


@given(known, st.sampled_from(LABELLED))
def test_a_label_and_the_mark_of_a_copy_are_no_part_of_a_number(known, way: str):
    kind, document, number = known
    assert who(document, way.format(number), kind).key == who(document, number, kind).key


@pytest.mark.parametrize(
    ("document", "typed", "number"),
    [
        ("registration", "990000612345678-1", "990000612345678"),
        ("registration", "注册号990000612345678-12", "990000612345678"),
        ("registration", "工商注册号：990000612345678", "990000612345678"),
        ("registration", "99000061234567l", "990000612345671"),
        ("passport", "El2345678", "E12345678"),
        ("passport", "护照号码：E12345678", "E12345678"),
        ("uscc", f"统一社会信用代码：{an_organisation(head='92')}", an_organisation(head="92")),
        ("uscc", f"{an_organisation(head='92')}-1", an_organisation(head="92")),
    ],
)
def test_numbers_that_a_person_reads_as_one_are_one(document: DocumentType, typed: str, number: str):
    kind: SubjectKind = "natural_person" if document == "passport" else "sole_trader"
    assert who(document, typed, kind).number.reveal() == number


plain = st.one_of(
    st.tuples(st.just("resident_id"), st.builds(a_resident, births, st.integers(1, 995))),
    st.tuples(
        st.just("uscc"), st.builds(lambda n, h: an_organisation(f"MA{n:06}", h), st.integers(0, 999_999), st.just("91"))
    ),
    st.tuples(st.just("passport"), st.from_regex(r"[EGDPSK][0-9]{8}", fullmatch=True)),
    st.tuples(st.just("hk_macao_permit"), st.from_regex(r"[HM][0-9]{8}", fullmatch=True)),
    st.tuples(st.just("taiwan_permit"), st.from_regex(r"[0-9]{8}", fullmatch=True)),
    st.tuples(st.just("registration"), st.from_regex(r"990000[0-9]{9}", fullmatch=True)),
    st.tuples(st.just("officer_card"), st.from_regex(r"[南北军]字第[0-9]{4,8}号", fullmatch=True)),
)


def neighbours(number: str, digit: str) -> set[str]:
    """The numbers that differ from it in one digit."""
    return {number[:place] + digit + number[place + 1 :] for place, each in enumerate(number) if each.isdigit()} - {
        number
    }


@given(plain, st.sampled_from("0123456789"), st.lists(spellings, max_size=2))
def test_two_numbers_are_two_subjects(one, digit: str, ways):
    document, number = one
    kind: SubjectKind = {"uscc": "organisation", "registration": "sole_trader"}.get(document, "natural_person")
    first = identify(kind, document, number, fillers=FILLERS)
    for other in neighbours(number, digit):
        found = identify(kind, document, reduce(lambda text, way: way(text), ways, other), fillers=FILLERS)
        if isinstance(first, Identity) and isinstance(found, Identity):
            same_body = document == "uscc" and number[8:17] == found.number.reveal()[8:17]
            assert found.key != first.key or same_body, other


@given(
    st.sampled_from(sorted(FILLERS)) | st.text("-—－/\\.。、* _~·　()（）", max_size=12),
    known,
    st.lists(spellings, max_size=2),
)
@example("", NUMBERS[0], [])
@example("0" * 15, NUMBERS[-1], [])
@example("1" * 18, NUMBERS[0], [])
@example("XXXXXX", NUMBERS[6], [])
@example("#N/A", NUMBERS[6], [])
@example("无无无", NUMBERS[6], [])
@example("无 （未提供）", NUMBERS[6], [])
@example("见《处罚决定书》", NUMBERS[12], [])
def test_no_filler_is_anybody(filler: str, known, ways):
    kind, document, _ = known
    for way in ways:
        filler = way(filler)
    assert isinstance(identify(kind, document, filler, fillers=FILLERS), NumberFinding)


@pytest.mark.parametrize(
    "filler", ["无", "/", "— —", "-", "空", "NULL", "null", "详见决定书", "N/A", "#N/A", "０", "不 详", "（无）"]
)
@pytest.mark.parametrize("document", ["resident_id", "passport", "registration", "uscc", "officer_card"])
def test_a_filler_is_refused_as_what_it_is(filler: str, document: DocumentType):
    kind: SubjectKind = "sole_trader" if document in {"registration", "uscc"} else "natural_person"
    assert trouble(document, filler, kind) == (NumberFinding.FILLER,)


@pytest.mark.parametrize(
    "number",
    ["9.90001E+14", "9.90000612345678E14", "９．９Ｅ＋１４", "9,90001E+14", "3.30203e+17", "990000612345678.0",
     "990000612345678.00", "990,000,612,345,678.00", "990000612345678,0", "9.9×10^14", "9E+14",
     "'9.9E+14", '="9.9E+14"'],
)  # fmt: skip
@pytest.mark.parametrize(("kind", "document"), sorted({(k, d) for k, d, _ in NUMBERS}))
def test_what_a_spreadsheet_made_of_a_number_is_none(number: str, kind: SubjectKind, document: DocumentType):
    assert trouble(document, number, kind) == (NumberFinding.COMPUTED,)


@st.composite
def floating(draw: st.DrawFn) -> str:
    """A long number as a spreadsheet writes it, here or in another country."""
    point, letter = draw(st.sampled_from(".,．，٫’·")), draw(st.sampled_from("EeＥD"))
    first, rest = draw(st.integers(1, 9)), draw(st.text("0123456789", min_size=1, max_size=14))
    power = draw(st.sampled_from([f"{letter}+{{}}", f"{letter}{{}}", " × 10^{}", "·10{}", f" {letter}+ {{}}"]))
    return f"{first}{point}{rest}{power.format(draw(st.integers(7, 17)))}"


@given(known, floating(), st.lists(spellings, max_size=2))
@example(NUMBERS[6], "1.05Е17", [])
def test_a_number_in_floating_point_is_nobody_however_it_is_written(known, number: str, ways):
    kind, document, _ = known
    for way in ways:
        number = way(number)
    assert identify(kind, document, number, fillers=FILLERS) in {NumberFinding.COMPUTED, NumberFinding.MASKED}


@given(
    known,
    st.integers(2, 14),
    st.integers(2, 8),
    st.sampled_from("*＊#•●○■□★※?？…_×")
    | st.sampled_from("✱✳◆▲❌⊗⬛〓\ufffd-—·")
    | st.sampled_from([mark for mark in HIDING if mark not in BLANKS]),
)
def test_hidden_digits_identify_nobody(known, start: int, many: int, mark: str):
    kind, document, number = known
    hidden = number[:start] + mark * many + number[start + many :]
    assert isinstance(identify(kind, document, hidden), NumberFinding)


@pytest.mark.parametrize(
    "number", ["E12****78", "H0********", "9900001985****1234", "E12xxxx78", "E12××××78", "E12●●●78", "E12···78"]
)
@pytest.mark.parametrize("document", ["resident_id", "passport", "hk_macao_permit"])
def test_a_mask_is_refused_as_one(number: str, document: DocumentType):
    assert trouble(document, number) == (NumberFinding.MASKED,)


@given(births, st.integers(0, 995))
def test_an_old_resident_number_is_the_person_of_the_new_one_under_every_document_that_has_it(born: date, order: int):
    number = a_resident(born, order)
    old = number[:6] + number[8:17]
    assume(len(set(number[:17])) > 1)
    for document in ("resident_id", "household_register", "residence_permit"):
        for each in (number, old):
            assert who(document, each) == who("resident_id", number)
            assert who(document, each).key == f"resident_id|{number}"
    assert who("foreign_resident_id", number).key == f"resident_id|{number}"


def test_an_organisation_code_is_within_the_unified_code():
    code = an_organisation()
    for number in (code, code[8:17], f"{code[8:16]}-{code[16]}"):
        assert who("uscc", number, "organisation").key == f"uscc|{code[8:17]}"
    assert who("uscc", code, "organisation").is_whole
    assert not who("uscc", code[8:17], "organisation").is_whole
    wrong = code[8:16] + ("1" if code[16] != "1" else "2")
    assert trouble("uscc", wrong, "organisation") == (NumberFinding.CHECK_DIGIT,)


def test_renewals_of_a_permit_do_not_make_another_person():
    assert (
        who("hk_macao_permit", "H1234567800")
        == who("hk_macao_permit", "h12345678(02)")
        == who("hk_macao_permit", "H12345678")
    )
    assert who("hk_macao_permit", "M12345678") != who("hk_macao_permit", "H12345678")
    assert who("taiwan_permit", "0012345601(B)") == who("taiwan_permit", "00123456")


def test_a_card_of_the_forces_is_known_by_its_word_and_its_digits():
    keys = {
        who("officer_card", n).key for n in ("南字第01234567号", "南 字第 01234567 號", "南字01234567", "南01234567")
    }
    assert len(keys) == 1
    assert who("officer_card", "北字第01234567号").key not in keys
    assert who("soldier_card", "南字第01234567号").key not in keys
    assert trouble("officer_card", "01234567") == (NumberFinding.SHAPE,)


@pytest.mark.parametrize(
    ("kind", "document", "number"),
    [
        ("natural_person", "resident_id", "98"),
        ("natural_person", "resident_id", "9" * 17 + "12"),
        ("natural_person", "resident_id", "99000019800101001"),
        ("natural_person", "resident_id", "E12345678"),
        ("natural_person", "resident_id", f"{SANDBOX_REGION}491231996"),
        ("natural_person", "resident_id", f"{SANDBOX_REGION}491331002"),
        ("natural_person", "residence_permit", "110105194912310021"),
        ("natural_person", "household_register", "123456781"),
        ("natural_person", "passport", "E123"),
        ("natural_person", "passport", "UNKNOWNS"),
        ("natural_person", "passport", "NoE12345678"),
        ("natural_person", "passport", "No E12345678"),
        ("natural_person", "passport", "No.No G12345678"),
        ("natural_person", "passport", "号E12345678"),
        ("sole_trader", "registration", "No990000612345678"),
        ("natural_person", "passport", a_resident(date(1980, 1, 1))),
        ("natural_person", "passport", f"{SANDBOX_REGION}491231002"),
        ("natural_person", "passport", "E12345678/E87654321"),
        ("natural_person", "hk_macao_permit", "E12345678"),
        ("natural_person", "hk_macao_permit", "H1234567"),
        ("natural_person", "taiwan_permit", "234567"),
        ("natural_person", "taiwan_permit", "H12345678"),
        ("natural_person", "foreign_resident_id", "USA99000000001"),
        ("natural_person", "foreign_resident_id", "123990000000012"),
        ("natural_person", "soldier_card", "E12345678"),
        ("organisation", "uscc", "S" * 9 + "1" * 9),
        ("organisation", "uscc", "91990000MA1AB2CD3"),
        ("organisation", "uscc", "990000612345678"),
        ("sole_trader", "registration", "54321"),
        ("sole_trader", "registration", "企独粤深总字第123456号"),
    ],
)
def test_what_has_not_the_form_of_its_document_is_nobody(kind: SubjectKind, document: DocumentType, number: str):
    assert trouble(document, number, kind) == (NumberFinding.SHAPE,)


def test_a_letter_that_cannot_stand_there_is_the_digit_it_looks_like():
    number, code = a_resident(date(1980, 1, 1)), an_organisation("MA0110AB")
    assert who("resident_id", number.replace("0", "O").replace("1", "I")) == who("resident_id", number)
    assert who("uscc", code.replace("0", "o").replace("1", "i"), "organisation") == who("uscc", code, "organisation")
    assert who("registration", "99OOOO6I2345678", "sole_trader") == who(
        "registration", "990000612345678", "sole_trader"
    )


@pytest.mark.parametrize("mark", ["No.", "NO. ", "no：", "№", "№ ", "Ｎｏ．", "(No.", "№.", "“No.", "No.No."])
@pytest.mark.parametrize(
    ("kind", "document", "number"),
    [each for each in NUMBERS if each[1] in {"resident_id", "passport", "registration", "uscc"}],
)
def test_a_mark_before_a_number_is_not_part_of_it(mark: str, kind: SubjectKind, document: DocumentType, number: str):
    assert who(document, mark + number, kind) == who(document, number, kind)


def test_a_passport_may_begin_with_the_letters_of_the_mark():
    assert who("passport", "NO1234567").number.reveal() == "NO1234567"


def test_which_copy_of_a_licence_it_stood_on_is_not_part_of_the_number():
    assert who("registration", "990000612345678（1-1）", "sole_trader") == who(
        "registration", "990000612345678", "sole_trader"
    )


def test_a_code_with_three_x_is_a_code_if_its_check_digit_is_right_and_masked_otherwise():
    code = an_organisation("MAXXX012")
    assert trouble("uscc", code, "organisation") == ()
    wrong = code[:-1] + ("1" if code[-1] != "1" else "2")
    assert trouble("uscc", wrong, "organisation") == (NumberFinding.MASKED,)
    assert trouble("passport", "E12XXX78") == (NumberFinding.MASKED,)


def test_a_code_in_the_registration_numbers_place_is_the_code():
    code = an_organisation(head="92")
    assert who("registration", code, "sole_trader") == who("uscc", code, "sole_trader")


@given(births, st.integers(0, 999))
def test_the_resident_check_is_that_of_the_standard(born: date, order: int):
    number = a_resident(born, order)
    assert number[17] == by_the_standard(number[:17])
    assert trouble("resident_id", number) == ()
    assert birth_date("resident_id", number) == born


def test_the_standards_own_example_has_the_check_x():
    assert resident_check("11010519491231002") == "X"


@pytest.mark.parametrize(
    "code",
    ["9144030071526726XG", "91110000802100433B", "91350100M000100Y43", "91320100748204660Q", "11230500001755309F"],
)
def test_published_organisation_codes_pass_their_check(code: str):
    assert trouble("uscc", code, "organisation") == ()
    assert uscc_check(code[:17]) == code[17]
    assert organisation_check(code[8:16]) == code[16]


def test_a_genuine_code_may_fail_its_check_and_is_doubted_rather_than_refused():
    assert trouble("uscc", "91350203M0001FUE2P", "organisation") == (NumberFinding.CHECK_DIGIT,)
    assert uscc_check("91350203M0001FUE2") == "J"


@pytest.mark.parametrize(
    "code",
    [
        "91110000000000000E",
        "12110000000000000K",
        "92110000000000000B",
        "00000000X",
        "9199000000000000X",
        "91990000111111111",
    ],
)
def test_a_code_without_an_organisation_in_it_is_the_placeholder(code: str):
    if len(code) == 17:
        code += uscc_check(code)
    assert trouble("uscc", code, "organisation") == (NumberFinding.PLACEHOLDER,)


def test_the_placeholder_is_nobody():
    for number in (USCC_PLACEHOLDER, "0" * 17 + "x", "0" * 17 + "×"):
        assert trouble("uscc", number, "sole_trader") == (NumberFinding.PLACEHOLDER,)
    assert trouble("uscc", "0" * 18, "sole_trader") == (NumberFinding.FILLER,)


def test_a_resident_number_that_passes_as_organisation_code_makes_no_organisation():
    numbers = (a_resident(date(1980, 1, 1) + timedelta(days=n)) for n in range(3000))
    both = next(number for number in numbers if uscc_check(number[:17]) == number[17])
    assert trouble("resident_id", both) == ()
    assert NumberFinding.MISMATCH in trouble("uscc", both, "organisation")
    assert NumberFinding.MISMATCH in trouble("uscc", both, "sole_trader")
    assert trouble("uscc", both) == (NumberFinding.MISMATCH,)


def test_a_sole_traders_code_begins_with_92_and_no_organisations_does():
    trader, firm = an_organisation(head="92"), an_organisation()
    assert trouble("uscc", trader, "sole_trader") == ()
    assert trouble("uscc", firm, "organisation") == ()
    assert trouble("uscc", trader, "organisation") == (NumberFinding.MISMATCH,)
    assert trouble("uscc", firm, "sole_trader") == (NumberFinding.MISMATCH,)
    assert trouble("registration", "990000612345678", "organisation") == (NumberFinding.MISMATCH,)


@given(known, st.sampled_from(["natural_person", "organisation", "sole_trader"]))
def test_a_slip_of_the_kind_is_the_same_subject_or_a_mismatch(known, kind: SubjectKind):
    _, document, number = known
    found = identify(kind, document, number)
    if isinstance(found, Identity):
        assert found.key == who(document, number, known[0]).key
    else:
        assert found is NumberFinding.MISMATCH


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17), st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_one_wrong_character_of_an_organisation_code_is_always_found(first: str, place: int, other: str):
    code = first + uscc_check(first)
    wrong = code[:place] + other + code[place + 1 :]
    assume(wrong != code)
    assert set(trouble("uscc", wrong, "organisation")) & {NumberFinding.CHECK_DIGIT, *_NOBODY}


_NOBODY = {NumberFinding.PLACEHOLDER, NumberFinding.FILLER, NumberFinding.MASKED, NumberFinding.COMPUTED}


@given(births, st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_wrong_digit_of_a_resident_number_is_always_found(born: date, place: int, digit: str):
    number = a_resident(born)
    wrong = number[:place] + digit + number[place + 1 :]
    assert trouble("resident_id", wrong) == (() if wrong == number else (NumberFinding.CHECK_DIGIT,))


NO_DAY = f"{SANDBOX_REGION}19830229001"
citizens = st.builds(a_resident, births, st.integers(0, 999))
eighteen = st.text("0123456789", min_size=17, max_size=17).map(lambda first: first + resident_check(first))


@given(
    number=citizens
    | eighteen
    | st.text("0123456789X", max_size=20)
    | st.sampled_from("0123456789").map(lambda n: n * 18),
    kind=st.sampled_from(["natural_person", "organisation"]),
    word=st.booleans(),
)
@example(number=NO_DAY + resident_check(NO_DAY), kind="natural_person", word=False)
@example(number=NUMBERS[0][2].lower(), kind="natural_person", word=False)
def test_a_plain_resident_number_is_read_as_one_that_has_to_be_read_through(
    number: str, kind: SubjectKind, *, word: bool
):
    fillers = FILLERS | {number} if word else FILLERS
    plain, written_apart = (identify(kind, "resident_id", text, fillers=fillers) for text in (number, f"{number}\t"))
    assert plain == written_apart
    assert getattr(plain, "doubts", ()) == getattr(written_apart, "doubts", ())


def test_a_day_that_never_was_is_found_behind_a_right_check_digit():
    first = f"{SANDBOX_REGION}19830229001"
    assert trouble("resident_id", first + resident_check(first)) == (NumberFinding.BIRTH_DATE,)
    assert birth_date("resident_id", first + resident_check(first)) is None


@given(st.text(max_size=300), known)
@example("\ud800" * 18, NUMBERS[12])
@example("A" * 18, NUMBERS[12])
def test_nothing_that_is_typed_in_makes_a_judgement_fail(number: str, known):
    kind, document, _ = known
    found = identify(kind, document, number, fillers=FILLERS)
    if isinstance(found, Identity):
        birth_date(found.document, found.number.reveal())
        again = identify(kind, document, found.number.reveal(), fillers=FILLERS)
        assert isinstance(again, Identity)
        assert again.key == found.key


@given(st.text(max_size=40) | st.text("X×0123-.…*\"'=_E+（1-1）", max_size=20))
def test_writing_a_number_twice_changes_nothing_more(number: str):
    assert written(written(number)) == written(number)


def test_a_person_is_of_age_on_the_eighteenth_birthday_and_not_the_day_before():
    born = date(2008, 2, 29)
    assert is_minor(born, date(2026, 2, 28))
    assert not is_minor(born, date(2026, 3, 1))
    assert is_minor(date(2008, 6, 1), date(2026, 5, 31))
    assert not is_minor(date(2008, 6, 1), date(2026, 6, 1))


@given(births, st.integers(0, 40000))
def test_age_never_falls_and_rises_by_one_a_year(born: date, days: int):
    day = min(born + timedelta(days=days), date(2040, 1, 1))
    assert 0 <= age_on(born, day + timedelta(days=1)) - age_on(born, day) <= 1
    assert age_on(born, day) * 366 - 366 <= (day - born).days <= (age_on(born, day) + 1) * 366


def test_invented_numbers_are_known_by_their_region():
    assert is_invented("resident_id", a_resident(date(1990, 1, 1)))
    assert is_invented("uscc", "91990000MA1AB2CD3N")
    assert not is_invented("uscc", "91110000802100433B")


AROUND = st.sampled_from(
    [
        "990000600000001", "990000198003150051", "（副本）", "(1-1)", "-1", "（营业执照）", "注册号：", "No.", "№",
        "号", "身份证号", "=",
        "（行政处罚决定书）", "《营业执照》", "证", "(", "）", '"', "'", "l", "x", "×", "字第", "统一社会信用代码",
        "/1", " ", "，", "代码", "书", "【", "】", "12345678-9", "E1234567", "军字第", "编号", "ﷺ",
    ]
)  # fmt: skip


@given(st.lists(AROUND, max_size=6).map("".join))
@example("身份证号=990000600000001")
@example("注册号：（营业执照）990000600000001")
def test_what_was_read_of_a_number_with_all_around_it_reads_so_again(text: str):
    assert written(written(text)) == written(text)
