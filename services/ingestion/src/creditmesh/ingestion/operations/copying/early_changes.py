"""What was said of records, or of content, that is not held here: that they ended, and whom they concern no more."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.copying.entries import PeerEntry
from creditmesh.ingestion.operations.records.candidates import REPRESENTATIVE
from creditmesh.ingestion.store import copies as store
from creditmesh.ingestion.store.copies import EarlyChange
from creditmesh.schemas.exchange import HIDING
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason


class EarlyChanges:
    """Those of the records of one transaction."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known: dict[UUID, list[EarlyChange]] = defaultdict(list)
        self._new: list[tuple[EarlyChange, int]] = []
        """What is said so now, and the newest revision of the record, as its origin counts it, that was shown then."""
        self._came: list[tuple[int, UUID, int]] = []
        """Content that is held now, of records of which something was said before."""

    async def open(self, records: Mapping[UUID, int]) -> None:
        """Read what was said of these records (each given with the part of its id)."""
        for each in await store.early(await self._ctx.session(), records):
            self._known[each.record].append(each)

    def remember(self, entry: PeerEntry, *, shown: int) -> FieldError | None:
        """Keep what was said of what is not held; a discharge only if it says of whom, and of whom content may name."""
        role = "" if entry.effect in HIDING or entry.body is None else entry.body.role
        if entry.change == "discharged" and not role:
            return reason("unreadable_entry")
        if entry.effect in HIDING or (entry.change == "discharged" and role == REPRESENTATIVE):
            part = self._ctx.part(str(entry.record))
            early = EarlyChange(part, entry.record, entry.origin, role or "", entry.rev, entry.rev)
            self._known[entry.record].append(early)
            self._new.append((early, shown))
        return None

    def has_ended(self, entry: PeerEntry) -> bool:
        """Whether the entry's record ended behind it."""
        ends = (each for each in self._known.get(entry.record, ()) if each.role == "")
        return any(each.origin == entry.origin and each.last_rev > entry.rev for each in ends)

    def discharges(self, record: UUID, *, origin: str, behind: int, before: int) -> Iterator[tuple[str, int]]:
        """The roles whose holders were discharged between these revisions, each with the first that says so."""
        for each in self._known.get(record, ()):
            between = [rev for rev in (each.first_rev, each.last_rev) if behind < rev < before]
            if each.origin == origin and between:
                yield each.role, between[0]

    def came(self, record: UUID, rev: int) -> None:
        """Content of that revision is held now: what was said before it is needed no more."""
        if record in self._known:
            self._came.append((self._ctx.part(str(record)), record, rev))
            self._new = [each for each in self._new if each[0].record != record or each[0].last_rev > rev]

    async def write(self) -> None:
        """Keep what is new, and forget what is needed no more."""
        session = await self._ctx.session()
        await store.remember(session, self._new)
        await store.forget(session, self._came)
