"""What is open to all, without a credential."""

from collections.abc import Iterator

from creditmesh.client.http import Wire
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.queries import PublicLists, PublicRecord, PublicSearch


class Public:
    """Public lists, records and the search for organisations; everything here is masked."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def lists(self) -> PublicLists:
        """The lists and items that are open to all today."""
        return self._wire.get("/v1/public/lists", PublicLists)

    def records(self, item: str) -> Iterator[PublicRecord]:
        """Every public record of an item."""
        return self._wire.pages("/v1/public/records", Page[PublicRecord], item=item)

    def search(self, *, name: str | None = None, code: str | None = None) -> Iterator[PublicRecord]:
        """The public records of an organisation, by the beginning of its name or by its whole code."""
        search = PublicSearch(name=name, code=code)
        while True:
            page = self._wire.post("/v1/public/searches", search, Page[PublicRecord])
            yield from page.items
            if page.next is None:
                return
            search = search.model_copy(update={"cursor": page.next})
