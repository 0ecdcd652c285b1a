"""The directory: what may be collected, by whom, on what basis; and what the credit office does with it."""

from datetime import date
from typing import Literal
from urllib.parse import quote

from pydantic import JsonValue

from creditmesh.client.errors import NotUnderstood
from creditmesh.client.http import Call, Wire
from creditmesh.client.listing import Listing
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue import CodeSet, CreditList, Item, Matter, Measure, Party, Procedure, Purpose
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.publications import CatalogueOut, ItemEntry, ItemVersion, PublicationOut, WithdrawIn


class Catalogue:
    """Read it without a credential; `as_of` looks at another day than today."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def glance(self) -> CatalogueOut:
        """Its number, how many objects are in force, and what no source has confirmed yet."""
        return self._wire.get("/v1/catalogue", CatalogueOut)

    def items(
        self, *, q: str | None = None, kind: SubjectKind | None = None, as_of: date | None = None
    ) -> Listing[ItemEntry]:
        """The items in force: all, or those that a word and a kind of subject leave."""
        return self._wire.listing("/v1/catalogue/items", Page[ItemEntry], q=q, kind=kind, as_of=_day(as_of))

    def item(self, code: str, *, as_of: date | None = None) -> Item:
        """One item whole."""
        return self._wire.get(_item(code), Item, as_of=_day(as_of))

    def versions(self, code: str) -> Listing[ItemVersion]:
        """An item's history, oldest first."""
        return self._wire.listing(f"{_item(code)}/versions", Page[ItemVersion])

    def schema(self, code: str) -> dict[str, JsonValue]:
        """What one row must be, as JSON Schema."""
        return self._wire.get(f"{_item(code)}/schema", dict[str, JsonValue])

    def template(self, code: str, *, header: Literal["codes", "zh"] = "codes") -> bytes:
        """An empty CSV file with the item's header."""
        return self._wire.answer(
            Call(method="GET", path=f"{_item(code)}/template.csv", params={"header": header})
        ).content

    def workbook(self, code: str) -> bytes:
        """A workbook (.xlsx) to fill in: the item's header in Chinese, and lists of the values that its codes take."""
        return self._wire.answer(Call(method="GET", path=f"{_item(code)}/template.xlsx")).content

    def lists(self) -> Listing[CreditList]:
        """The red and black lists in force."""
        return self._wire.listing("/v1/catalogue/lists", Page[CreditList])

    def measures(self) -> Listing[Measure]:
        """The rewards and restrictions in force."""
        return self._wire.listing("/v1/catalogue/measures", Page[Measure])

    def matters(self) -> Listing[Matter]:
        """What departments do for subjects."""
        return self._wire.listing("/v1/catalogue/matters", Page[Matter])

    def procedures(self) -> Listing[Procedure]:
        """The clocks of each kind of case."""
        return self._wire.listing("/v1/catalogue/procedures", Page[Procedure])

    def purposes(self) -> Listing[Purpose]:
        """The closed list of reasons to ask."""
        return self._wire.listing("/v1/catalogue/purposes", Page[Purpose])

    def parties(self) -> Listing[Party]:
        """Who takes part."""
        return self._wire.listing("/v1/catalogue/parties", Page[Party])

    def itself(self) -> Party:
        """The node's own row, with its keys: it alone among the nodes has no place, for places are seen from it."""
        own = [each for each in self.parties() if each.kind == "node" and each.place is None and each.active]
        if len(own) != 1 or not any(key.use == "node" for key in own[0].keys):
            raise NotUnderstood(
                "The node's catalogue has no single row of the node itself with its keys; its operator publishes it.",
                "节点目录中没有唯一的、含公钥的节点自身条目；请联系该节点的运维发布。",
            )
        return own[0]

    def code_set(self, name: str) -> CodeSet:
        """One code set with its values."""
        return self._wire.get(f"/v1/catalogue/code-sets/{quote(name, safe='')}", CodeSet)

    def withdraw(
        self,
        code: str,
        *,
        basis: str,
        effective: date | None = None,
        etag: str | None = None,
        idempotency_key: str | None = None,
    ) -> PublicationOut:
        """Take an item out of the catalogue; for the credit office."""
        body = WithdrawIn(basis=basis, effective=effective)
        return self._wire.post(
            f"{_item(code)}/withdraw", body, PublicationOut, idempotency_key=idempotency_key, etag=etag
        )


def _item(code: str) -> str:
    return f"/v1/catalogue/items/{quote(code, safe='')}"


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
