"""One node, seen from outside: the typed client. What a caller asks for is loaded then."""

from functools import cached_property
from typing import TYPE_CHECKING, Self

import httpx

from creditmesh.client.http import Wire
from creditmesh.client.retries import Retries

if TYPE_CHECKING:
    from creditmesh.client.cases import Cases
    from creditmesh.client.catalogue import Catalogue
    from creditmesh.client.exchange import Exchange
    from creditmesh.client.me import Me
    from creditmesh.client.public import Public
    from creditmesh.client.queries import Authorisations, Queries
    from creditmesh.client.records import Records, Reviews, Submissions
    from creditmesh.client.screenings import Screenings
    from creditmesh.client.tasks import Tasks


class Node:
    """Everything a caller may ask of a node, by who asks; not for use by two threads at once.

    Every call may raise `ProblemError` (the node refused, and says why in both languages) and `Unreachable`. Writes
    carry an Idempotency-Key, given or made here, and are tried again safely.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._wire = Wire(url, key=key, retries=retries, transport=transport)

    @property
    def url(self) -> str:
        """The node's address."""
        return self._wire.url

    @cached_property
    def catalogue(self) -> "Catalogue":
        """The catalogue that the node goes by."""
        from creditmesh.client.catalogue import Catalogue

        return Catalogue(self._wire)

    @cached_property
    def records(self) -> "Records":
        """A department's records."""
        from creditmesh.client.records import Records

        return Records(self._wire)

    @cached_property
    def submissions(self) -> "Submissions":
        """A department's submissions."""
        from creditmesh.client.records import Submissions

        return Submissions(self._wire)

    @cached_property
    def reviews(self) -> "Reviews":
        """Rows that wait for an officer."""
        from creditmesh.client.records import Reviews

        return Reviews(self._wire)

    @cached_property
    def queries(self) -> "Queries":
        """Questions about one subject."""
        from creditmesh.client.queries import Queries

        return Queries(self._wire)

    @cached_property
    def authorisations(self) -> "Authorisations":
        """The bureau's side of authorisations."""
        from creditmesh.client.queries import Authorisations

        return Authorisations(self._wire)

    @cached_property
    def screenings(self) -> "Screenings":
        """Screenings of many subjects."""
        from creditmesh.client.screenings import Screenings

        return Screenings(self._wire)

    @cached_property
    def tasks(self) -> "Tasks":
        """Tasks of a party."""
        from creditmesh.client.tasks import Tasks

        return Tasks(self._wire)

    @cached_property
    def cases(self) -> "Cases":
        """Objections and repairs."""
        from creditmesh.client.cases import Cases

        return Cases(self._wire)

    @cached_property
    def exchange(self) -> "Exchange":
        """Feeds of nodes."""
        from creditmesh.client.exchange import Exchange

        return Exchange(self._wire)

    @cached_property
    def me(self) -> "Me":
        """What a subject may ask of their own."""
        from creditmesh.client.me import Me

        return Me(self._wire)

    @cached_property
    def public(self) -> "Public":
        """What is open to everybody."""
        from creditmesh.client.public import Public

        return Public(self._wire)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
