"""Identity numbers: normal forms, check digits, and the traps of real ones."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules.identity import (
    SANDBOX_REGION,
    USCC_PLACEHOLDER,
    NumberFinding,
    age_on,
    agrees,
    birth_date,
    is_invented,
    is_minor,
    judge,
    normalise,
    resident_check,
    tidy,
    uscc_check,
)

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
births = st.dates(date(1920, 1, 1), date(2020, 12, 31))


def a_resident(born: date, order: int = 1) -> str:
    first = f"{SANDBOX_REGION}{born:%Y%m%d}{order:03d}"
    return first + resident_check(first)


def by_the_standard(first: str) -> str:
    weights = [pow(2, 17 - i, 11) for i in range(17)]
    return "10X98765432"[sum(int(c) * w for c, w in zip(first, weights, strict=True)) % 11]


@given(births, st.integers(0, 999))
def test_the_resident_check_is_that_of_the_standard(born: date, order: int):
    number = a_resident(born, order)
    assert number[17] == by_the_standard(number[:17])
    assert judge("resident_id", number) is NumberFinding.GOOD
    assert birth_date("resident_id", number) == born


def test_the_standards_own_example_has_the_check_x():
    assert resident_check("11010519491231002") == "X"


@pytest.mark.parametrize(
    "code",
    ["9144030071526726XG", "91110000802100433B", "91350100M000100Y43", "91320100748204660Q", "11230500001755309F"],
)
def test_published_organisation_codes_pass_their_check(code: str):
    assert judge("uscc", code) is NumberFinding.GOOD
    assert uscc_check(code[:17]) == code[17]


def test_a_genuine_code_may_fail_its_check_and_is_found_so_rather_than_refused():
    assert judge("uscc", "91350203M0001FUE2P") is NumberFinding.CHECK_DIGIT
    assert uscc_check("91350203M0001FUE2") == "J"


def test_the_placeholder_is_neither_good_nor_a_wrong_check_digit():
    assert judge("uscc", USCC_PLACEHOLDER) is NumberFinding.PLACEHOLDER
    assert uscc_check(USCC_PLACEHOLDER[:17]) == "0"
    assert agrees("sole_trader", "uscc", USCC_PLACEHOLDER)
    assert not agrees("organisation", "uscc", USCC_PLACEHOLDER)


def test_a_resident_number_that_passes_as_organisation_code_makes_no_organisation():
    numbers = (a_resident(date(1980, 1, 1) + timedelta(days=n)) for n in range(3000))
    both = next(number for number in numbers if judge("uscc", number) is NumberFinding.GOOD)
    assert judge("resident_id", both) is NumberFinding.GOOD
    assert not agrees("organisation", "uscc", both)
    assert not agrees("sole_trader", "uscc", both)
    assert agrees("natural_person", "resident_id", both)
    assert not agrees("natural_person", "uscc", both)


def test_a_sole_traders_code_begins_with_92_and_no_organisations_does():
    trader, firm = "92990000MA1AB2CD3", "91990000MA1AB2CD3"
    assert agrees("sole_trader", "uscc", trader + uscc_check(trader))
    assert not agrees("organisation", "uscc", trader + uscc_check(trader))
    assert agrees("organisation", "uscc", firm + uscc_check(firm))
    assert not agrees("sole_trader", "uscc", firm + uscc_check(firm))


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17), st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_one_wrong_character_of_an_organisation_code_is_always_found(first: str, place: int, other: str):
    code = first + uscc_check(first)
    wrong = code[:place] + other + code[place + 1 :]
    found = judge("uscc", wrong)
    assert found is (NumberFinding.GOOD if wrong == code else NumberFinding.CHECK_DIGIT) or wrong == USCC_PLACEHOLDER


@given(births, st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_wrong_digit_of_a_resident_number_is_always_found(born: date, place: int, digit: str):
    number = a_resident(born)
    wrong = number[:place] + digit + number[place + 1 :]
    assert judge("resident_id", wrong) is (NumberFinding.GOOD if wrong == number else NumberFinding.CHECK_DIGIT)


def test_a_day_that_never_was_is_found_behind_a_right_check_digit():
    first = f"{SANDBOX_REGION}19830229001"
    assert judge("resident_id", first + resident_check(first)) is NumberFinding.BIRTH_DATE
    assert birth_date("resident_id", first + resident_check(first)) is None


@pytest.mark.parametrize("number", ["", "99", "9" * 19, "99000019800101001", "A" * 18, "９" * 18, "99000019800101 01X"])
def test_what_is_no_number_has_the_wrong_shape(number: str):
    assert judge("resident_id", number) is NumberFinding.SHAPE
    assert judge("uscc", "I" + "0" * 17) is NumberFinding.SHAPE


@given(st.text(max_size=300), st.sampled_from(["resident_id", "foreign_resident_id", "uscc", "passport"]))
def test_nothing_that_is_typed_in_makes_a_judgement_fail(number: str, document):
    plain = number.encode("utf-8", "ignore").decode()
    assert judge(document, plain) in NumberFinding
    assert judge(document, normalise(document, plain).number) in NumberFinding
    birth_date(document, plain)
    agrees("organisation", document, plain)


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing_more(number: str):
    assert tidy(tidy(number)) == tidy(number)


def test_spaces_full_width_and_lower_case_do_not_make_another_number():
    number = next(n for d in range(400) if (n := a_resident(date(1980, 1, 1) + timedelta(days=d))).endswith("X"))
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number.lower())
    for written in (
        number,
        number.lower(),
        f" {number}\u3000",
        wide,
        f"{number[:6]} {number[6:14]}\u00a0{number[14:]}",
    ):
        assert normalise("resident_id", written) == (number, False)
    assert normalise("uscc", "\ufeff91990000ma1ab2cd3n\n").number == "91990000MA1AB2CD3N"


def test_an_old_resident_number_is_written_out_and_says_so():
    wide, widened = normalise("resident_id", f"{SANDBOX_REGION}491231002")
    assert widened
    assert wide == a_resident(date(1949, 12, 31), 2)
    assert normalise("resident_id", wide) == (wide, False)


@pytest.mark.parametrize("old", [f"{SANDBOX_REGION}491231996", f"{SANDBOX_REGION}491331002", "99000049123100A"])
def test_an_old_number_that_cannot_be_written_out_without_loss_stays(old: str):
    assert normalise("resident_id", old) == (old, False)


def test_fifteen_digits_of_another_document_are_not_a_resident_number():
    assert normalise("registration", f"{SANDBOX_REGION}491231002") == (f"{SANDBOX_REGION}491231002", False)


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
