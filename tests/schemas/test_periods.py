"""Every period of the catalogue can be added to every day that a record may have."""

from datetime import date

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from creditmesh.schemas.bounds import Day
from creditmesh.schemas.rules.calendar import add_months
from tests.schemas.test_narrowing import ALL

PERIODS = [
    (model, name) for model in ALL for name in model.model_fields if name.rpartition("_")[2] in {"months", "years"}
]
LAST = date(9899, 12, 31)


@pytest.mark.parametrize(("model", "name"), PERIODS, ids=lambda each: getattr(each, "__name__", each))
def test_a_period_is_a_hundred_years_at_most_and_never_runs_backwards(model: type[BaseModel], name: str):
    longest = 1200 if name.endswith("months") else 100
    assert [refuses(model, name, value) for value in (-1, 0, longest, longest + 1)] == [True, False, False, True]


def refuses(model: type[BaseModel], name: str, value: int) -> bool:
    """Whether the model refuses this value of the field, whatever else it lacks."""
    try:
        model.model_validate({name: value})
    except ValidationError as error:
        return any(each["loc"] == (name,) for each in error.errors())
    return False


def test_the_longest_can_be_added_to_the_last_day():
    assert TypeAdapter(Day).validate_python(LAST) == LAST
    assert add_months(LAST, 1200) == date.max
