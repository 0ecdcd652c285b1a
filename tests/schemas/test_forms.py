"""A number of a fixed form is that number; what only looks like it, or may be a person's, is not."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.catalogue import FieldSpec
from creditmesh.schemas.rules.forms import has_its_form
from creditmesh.schemas.rules.numbers import resident_check

CODE = FieldSpec(code="BM", name="Code", name_zh="承诺编码", type="text", form="commitment")


@given(st.integers(100000, 999999), st.dates(date(2014, 1, 1), date(2090, 1, 1)), st.integers(0, 999999))
def test_a_commitments_code_has_region_day_and_serial_number(region: int, day: date, serial: int):
    text = f"{region}{day:%Y%m%d}{serial:06}"
    assert has_its_form(CODE, text)
    assert not has_its_form(CODE.model_copy(update={"form": None}), text)


@pytest.mark.parametrize(
    "text",
    ["44030020191319000001", "44030020190432000001", "4403002019041900001", "440300201904190000011", "４４" + "0" * 18],
)
def test_what_has_another_length_or_no_day_is_none(text: str):
    assert not has_its_form(CODE, text)


@given(st.dates(date(1920, 1, 1), date(2013, 12, 31)), st.integers(0, 999), st.integers(0, 99))
def test_no_number_of_a_person_of_age_has_its_form_whatever_stands_behind_it(born: date, serial: int, behind: int):
    number = f"990000{born:%Y%m%d}{serial:03}"
    number += resident_check(number)
    assert not has_its_form(CODE, f"{number}{behind:02}")
