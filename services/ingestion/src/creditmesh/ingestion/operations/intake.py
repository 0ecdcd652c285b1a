"""From text to an entry: a row is read, judged at the gate, and finds its subjects; nothing is locked or written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.chassis.vault.subjects import Erased
from creditmesh.ingestion.content import (
    Content,
    content_of,
    fingerprint_text,
    former_fingerprint_text,
    name_text,
    natural_texts,
)
from creditmesh.ingestion.errors import NotAuthorised, OutsideCredential, UnknownItem
from creditmesh.ingestion.formats import SubmittedRow
from creditmesh.ingestion.gate import Gate
from creditmesh.ingestion.lawful import Judgement
from creditmesh.ingestion.store.revisions import Place
from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import Outcome as Reading
from creditmesh.schemas.rules.compile import Row as CanonicalRow

_SLICE = 100


@dataclass(slots=True)
class IntakeRow:
    """One row on its way: refused, or with everything that is known of it before its record is looked at."""

    number: int
    refusals: Sequence[FieldError] = ()
    holds: Sequence[FieldError] = ()
    row: CanonicalRow = field(default_factory=dict, repr=False)
    given: CanonicalRow = field(default_factory=dict, repr=False)
    """The row with its codes as they were written: what its fingerprint is of."""
    judgement: Judgement = field(default_factory=Judgement)
    content: Content | None = None
    subject: UUID | None = None
    representative: UUID | None = None
    part: int = 0
    keys: Sequence[bytes] = ()
    """Under which its record is found: as it is, and as it may have been before."""
    natural_key: bytes = b""
    """The one of them that its record has."""
    name: bytes = b""
    """By which the name of its subject is compared."""
    fingerprint: bytes = b""
    fingerprints: frozenset[bytes] = frozenset()
    """By which its content is recognised: `fingerprint`, and that of the row with every code in its canonical form."""

    @property
    def place(self) -> Place:
        """Where its record's revisions are."""
        if self.subject is None:
            raise RuntimeError("a refused row has no place")
        return (self.part, self.subject, self.natural_key)

    @property
    def former_places(self) -> list[Place]:
        """Where a record of before may be that is the same."""
        part, subject, _ = self.place
        return [(part, subject, key) for key in self.keys[1:]]

    @property
    def kind(self) -> SubjectKind:
        """The kind of its subject."""
        if self.judgement.subject is None:
            raise RuntimeError("a refused row has no subject")
        return self.judgement.subject.kind

    @property
    def said(self) -> Content:
        """What it says, by whose key seals it."""
        if self.content is None:
            raise RuntimeError("a refused row has no content")
        return self.content


class Intake:
    """Rows of one item from one party, under one legal date."""

    def __init__(self, ctx: Context, item: Item, party: Party) -> None:
        self.item = item
        self.party = party
        self.compiled = ctx.followed(Directory).compiled(item.code, item.number, on=ctx.legal_date)
        self._gate = Gate(self.compiled, party=party, today=ctx.legal_date)
        self._ctx = ctx

    @classmethod
    def of(cls, ctx: Context, item_code: str, *, party: str | None) -> "Intake":
        """The intake of an item for a party; UnknownItem if it is not in force, NotAuthorised without its duty."""
        directory = ctx.followed(Directory)
        item = directory.item(item_code, on=ctx.legal_date)
        if item is None:
            raise UnknownItem(
                "Look up the item's code in GET /v1/catalogue/items.", "请在 GET /v1/catalogue/items 中查询条目代码。"
            )
        found = None if party is None else directory.party(party)
        if found is None or not found.active or not set(found.duties) & set(item.duties):
            raise NotAuthorised(
                "The item is for parties with one of its duties; ask the catalogue keeper.",
                "该条目仅限具有相应职责的单位报送；请联系目录管理方。",
            )
        limited = ctx.known_caller.items
        if limited is not None and item_code not in limited:
            raise OutsideCredential
        return cls(ctx, item, found)

    def read(self, row: SubmittedRow) -> IntakeRow:
        """Read and judge one row of a submission."""
        if row.refusal is not None:
            return IntakeRow(row.number, refusals=(row.refusal,))
        entry = self._judge(row.number, self.compiled.validate_json(row.text))
        if not entry.refusals:
            entry.given = self._given(entry.row, row.text)
        return entry

    def read_fields(self, number: int, fields: Mapping[str, JsonValue]) -> IntakeRow:
        """Read and judge one row that comes as its fields."""
        entry = self._judge(number, self.compiled.validate(fields))
        if not entry.refusals:
            entry.given = self.compiled.as_given(entry.row, fields)
        return entry

    def former_fingerprints(self, entry: IntakeRow) -> frozenset[bytes]:
        """By which its content was recognised until decision 33, under every version of the item."""
        directory, code, today = self._ctx.followed(Directory), self.item.code, self._ctx.legal_date
        versions = (each.number for each in directory.versions("item", code) if each.state == "published")
        texts = (
            former_fingerprint_text(directory.compiled(code, number, on=today), entry.row, entry.kind)
            for number in versions
        )
        return frozenset(self._ctx.keys.mac("fingerprint", text) for text in texts)

    def natural_keys(self, row: CanonicalRow, subject: UUID) -> list[bytes]:
        """Under which the record of a row of this subject is found: as it is, and as it may have been before."""
        texts = natural_texts(self.item, row, subject=subject, origin=self._ctx.node.code)
        return [self._ctx.keys.mac("fingerprint", text) for text in texts]

    def _judge(self, number: int, outcome: Reading) -> IntakeRow:
        if isinstance(outcome, tuple):
            return IntakeRow(number, refusals=outcome)
        judgement = self._gate.judge(outcome)
        if judgement.refusals:
            return IntakeRow(number, refusals=judgement.refusals)
        return IntakeRow(number, holds=judgement.holds, row=outcome, judgement=judgement)

    def _given(self, row: CanonicalRow, text: bytes) -> CanonicalRow:
        try:
            return self.compiled.as_given(row, orjson.loads(text))
        except orjson.JSONDecodeError:  # the validator takes what this parser does not, such as NaN in an empty field
            return row

    async def identify(self, entries: Iterable[IntakeRow]) -> Mapping[UUID, Cipher]:
        """Give the entries that were not refused their subjects and keys; their ciphers. Commits in the vault only.

        Who is about somebody who was erased is refused.
        """
        passing = list(entries)
        while True:
            try:
                return await self._identified(passing)
            except Erased as erased:
                await self._refuse_erased(passing, erased.subject)

    async def _refuse_erased(self, entries: Iterable[IntakeRow], erased: UUID) -> None:
        for entry in entries:
            who = [each for each in (entry.judgement.subject, entry.judgement.representative) if each is not None]
            if not entry.refusals and erased in await self._ctx.vault.resolve(who):
                entry.refusals = (reason("subject_erased"),)

    async def _identified(self, entries: Iterable[IntakeRow]) -> Mapping[UUID, Cipher]:
        passing = [entry for entry in entries if not entry.refusals]
        named = [entry.judgement.subject for entry in passing if entry.judgement.subject is not None]
        others = [entry for entry in passing if entry.judgement.representative is not None]
        named += [entry.judgement.representative for entry in others if entry.judgement.representative is not None]
        if not named:
            return {}
        subjects, ciphers = await self._ctx.vault.identify(named)
        found = list(zip(passing, subjects, strict=False))
        async for some in in_slices(found, _SLICE, seconds=0.005):
            for entry, subject in some:
                self._found(entry, subject)
        for entry, representative in zip(others, subjects[len(passing) :], strict=True):
            entry.representative = representative
        return ciphers

    def _found(self, entry: IntakeRow, subject: UUID) -> None:
        entry.subject = subject
        entry.part = self._ctx.part(str(subject))
        entry.content = content_of(self.compiled, entry.row, entry.kind)
        entry.fingerprint = self._fingerprint(entry.given)
        canonical = entry.fingerprint if entry.given == entry.row else self._fingerprint(entry.row)
        entry.fingerprints = frozenset((entry.fingerprint, canonical))
        entry.name = self._ctx.keys.mac("fingerprint", name_text(self.item, entry.row, subject=subject))
        entry.keys = self.natural_keys(entry.row, subject)
        entry.natural_key = entry.keys[0]

    def _fingerprint(self, row: CanonicalRow) -> bytes:
        return self._ctx.keys.mac("fingerprint", fingerprint_text(self.item.code, row))
