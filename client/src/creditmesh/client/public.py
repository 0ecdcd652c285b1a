"""What is open to all, without a credential."""

from creditmesh.client.http import Wire
from creditmesh.client.listing import Listing
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.queries import PublicLists, PublicRecord, PublicSearch


class Public:
    """Public lists, records and the search for organisations; everything here is masked."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def lists(self) -> PublicLists:
        """The lists and items that are open to all today."""
        return self._wire.get("/v1/public/lists", PublicLists)

    def records(self, item: str) -> Listing[PublicRecord]:
        """Every public record of an item."""
        return self._wire.listing("/v1/public/records", Page[PublicRecord], item=item)

    def search(self, *, name: str | None = None, code: str | None = None) -> Listing[PublicRecord]:
        """The public records of an organisation, by the beginning of its name or by its whole code."""
        return self._wire.searched("/v1/public/searches", PublicSearch(name=name, code=code), Page[PublicRecord])
