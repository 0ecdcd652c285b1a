"""Every rule that the catalogue can declare is read by something: nobody publishes a rule that does nothing.

A rule is a field that a lower tier may not change as it likes. It is read where code that knows its model, by importing
it or one it is part of, takes an attribute of that name.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from pydantic import BaseModel

from creditmesh.schemas.catalogue.narrowing import FREE
from tests.architecture.test_structure import sources
from tests.schemas.test_narrowing import ALL, direction_of, models

WITHIN = {model.__name__: {part.__name__ for part in models(model)} for model in ALL}
EVERYTHING = ("Directory", "CompiledItem", "Published")
"""Who has one of these has every object of the catalogue."""
UNREAD: Mapping[tuple[str, str], str] = {
    ("Item", "record_class"): "the class of the national catalogue is shown to people",
    ("CreditList", "exit"): "how a name leaves the list is shown to people; the body removes it by a withdrawal",
    ("CreditList", "standard"): "what puts a name on the list is shown to people; the body decides by it",
    ("Repair", "evidence"): "what people are told to bring; what a filing needs is `Procedure.documents`",
}


def reads() -> Iterator[tuple[str, str]]:
    for path in sources():
        if "catalogue/narrowing.py" not in path.as_posix():
            yield from _reads(path)


def _reads(path: Path) -> Iterator[tuple[str, str]]:
    tree = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {node.id for node in tree if isinstance(node, ast.Name)}
    names |= {node.name for node in tree if isinstance(node, ast.ClassDef)}
    known = {part for name in names for part in WITHIN.get(name, ())}
    if names & set(EVERYTHING):
        known = set(WITHIN)
    attributes = [node for node in tree if isinstance(node, ast.Attribute)]
    yield from product(known, {node.attr for node in attributes if isinstance(node.ctx, ast.Load)})


@cache
def read() -> frozenset[tuple[str, str]]:
    """Model and field; a field of the same name in another model of the same file counts as well."""
    return frozenset(reads())


def rules(model: type[BaseModel]) -> list[str]:
    return [name for name in model.model_fields if direction_of(model, name) != (FREE,)]


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_every_rule_has_a_reader(model: type[BaseModel]):
    unread = {name for name in rules(model) if (model.__name__, name) not in read()}
    excused = {name for owner, name in UNREAD if owner == model.__name__}
    assert unread == excused, "give the rule a reader, or do not declare it; an excuse that is none any more goes"


def test_the_walk_finds_what_is_read_and_not_what_is_not():
    assert ("Measure", "clean_years") in read()
    assert ("DisplayRule", "months") in read()
    assert ("Item", "no_such_rule") not in read()
