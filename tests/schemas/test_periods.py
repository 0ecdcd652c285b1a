"""Every period of the catalogue can be added to every day that a record may have."""

from datetime import date
from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from creditmesh.catalogue.objects import entry_of, kept
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.catalogue.base import KEPT
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged
from creditmesh.schemas.rules.calendar import add_months
from tests.schemas.samples import ITEM
from tests.schemas.test_directory import Seen
from tests.schemas.test_narrowing import ALL

PERIODS = [
    (model, name) for model in ALL for name in model.model_fields if name.rpartition("_")[2] in {"months", "years"}
]
LAST = date(9899, 12, 31)


@pytest.mark.parametrize(("model", "name"), PERIODS, ids=lambda each: getattr(each, "__name__", each))
def test_a_period_is_a_hundred_years_at_most_and_never_runs_backwards(model: type[BaseModel], name: str):
    longest = 1200 if name.endswith("months") else 100
    assert [refuses(model, name, value) for value in (-1, 0, longest, longest + 1)] == [True, False, False, True]


@pytest.mark.parametrize(("model", "name"), PERIODS, ids=lambda each: getattr(each, "__name__", each))
def test_what_a_node_keeps_from_before_there_were_bounds_is_read_within_them(model: type[BaseModel], name: str):
    longest = 1200 if name.endswith("months") else 100
    assert [refuses(model, name, value, context=KEPT) for value in (-1, 9999, "x")] == [False, False, True]
    field = TypeAdapter(Annotated[model.model_fields[name].annotation, *model.model_fields[name].metadata])
    read = [field.validate_python(value, context=KEPT) for value in (-1, 9999, 12)]
    assert read == [0, longest, 12]


def test_an_event_of_the_last_release_is_followed():
    body = ITEM.model_dump(mode="json") | {"retention_months": 9999}
    change = CatalogueChanged(
        kind="item", code=ITEM.code, number=1, state="published", effective=date(2026, 1, 1), body=body
    )
    directory = Directory()
    directory.apply(Seen(1, change.type, change.model_dump_json().encode()))
    item = directory.item(ITEM.code, on=date(2026, 2, 1))
    assert item is not None
    assert item.retention_months == 1200
    assert kept("item", body) == item
    with pytest.raises(ValidationError):
        entry_of("item", body)


def refuses(model: type[BaseModel], name: str, value: object, *, context: object = None) -> bool:
    """Whether the model refuses this value of the field, whatever else it lacks."""
    try:
        model.model_validate({name: value}, context=context)
    except ValidationError as error:
        return any(each["loc"] == (name,) for each in error.errors())
    return False


def test_the_longest_can_be_added_to_the_last_day():
    assert TypeAdapter(Day).validate_python(LAST) == LAST
    assert add_months(LAST, 1200) == date.max
