"""Every field of every object of the catalogue says how a lower tier may change it, and one comparison keeps to it."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from creditmesh.schemas.catalogue.narrowing import Narrower
from creditmesh.schemas.histories import MODELS


def models(within: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of, all the way down."""
    if isinstance(within, type) and issubclass(within, BaseModel):
        yield within
        for info in within.model_fields.values():
            yield from models(info.annotation)
    for part in get_args(within):
        yield from models(part)


def direction_of(model: type[BaseModel], name: str) -> tuple[Narrower, ...]:
    """The directions that a field declares."""
    return tuple(each for each in model.model_fields[name].metadata if isinstance(each, Narrower))


ALL = sorted({each for model in MODELS.values() for each in models(model)}, key=lambda model: model.__name__)


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_every_field_declares_one_direction(model: type[BaseModel]):
    undeclared = [name for name in model.model_fields if len(direction_of(model, name)) != 1]
    assert not undeclared, "say in which direction a lower tier may change it (schemas/catalogue/narrowing.py)"


def test_the_walk_comes_to_the_models_inside_others():
    assert {"Basis", "FieldSpec", "Mask", "Condition", "Roles", "SeverityRule", "DisplayRule", "CodeValue"} <= {
        model.__name__ for model in ALL
    }
