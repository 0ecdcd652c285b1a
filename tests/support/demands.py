"""What the notices ask of the catalogue (`tests/catalogue/demands.yaml`), and which shipped objects answer it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from creditmesh.catalogue import folder
from creditmesh.catalogue.objects import CatalogueObject

TABLE = Path(__file__).parents[1] / "catalogue" / "demands.yaml"


class Paragraph(NamedTuple):
    """A paragraph of a notice: what it asks, which objects answer it, why none (or not all of it) is answered."""

    notice: str
    place: str
    asks: str
    by: tuple[str, ...]
    why: str | None


@cache
def table() -> dict[str, Any]:
    """The whole table as it is written."""
    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def paragraphs() -> Iterator[Paragraph]:
    """Every paragraph of every notice."""
    for notice, told in table()["notices"].items():
        for place, said in told["paragraphs"].items():
            yield Paragraph(notice, place, said["asks"], tuple(said.get("by", ())), said.get("why"))


@cache
def whole() -> tuple[CatalogueObject, ...]:
    """All that is shipped."""
    return folder.whole()


def answers(pattern: str) -> list[CatalogueObject]:
    """The shipped objects that a reference such as `item:severe_tax` means: one, or none."""
    return [entry for entry in whole() if f"{entry.kind}:{entry.code}" == pattern]


def places_of(entry: CatalogueObject) -> list[tuple[str, str]]:
    """The notices and paragraphs that ask for an object."""
    return [(each.notice, each.place) for each in paragraphs() if f"{entry.kind}:{entry.code}" in each.by]


def nationally(entry: CatalogueObject) -> list[str]:
    """What of the national lists asks for it."""
    name = f"{entry.kind}:{entry.code}"
    return [each["zh"] for each in table()["national"] if name in each["by"]]
