"""One node, seen from outside: the typed client."""

from typing import Self

import httpx

from creditmesh.client.cases import Cases
from creditmesh.client.catalogue import Catalogue
from creditmesh.client.exchange import Exchange
from creditmesh.client.http import Wire
from creditmesh.client.me import Me
from creditmesh.client.public import Public
from creditmesh.client.queries import Authorisations, Queries
from creditmesh.client.records import Records, Reviews, Submissions
from creditmesh.client.retries import Retries
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
        self.catalogue = Catalogue(self._wire)
        self.records = Records(self._wire)
        self.submissions = Submissions(self._wire)
        self.reviews = Reviews(self._wire)
        self.queries = Queries(self._wire)
        self.authorisations = Authorisations(self._wire)
        self.screenings = Screenings(self._wire)
        self.tasks = Tasks(self._wire)
        self.cases = Cases(self._wire)
        self.exchange = Exchange(self._wire)
        self.me = Me(self._wire)
        self.public = Public(self._wire)

    @property
    def url(self) -> str:
        """The node's address."""
        return self._wire.url

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
