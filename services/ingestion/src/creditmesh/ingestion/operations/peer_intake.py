"""From a peer's entry to a copy: its content is unsealed, judged at the peers' gate, and finds its subjects here.

Nothing is locked or written. What is refused says so on its entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from creditmesh.chassis.bus.stream import heads
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.chassis.vault.subjects import Erased
from creditmesh.ingestion.content import Content, content_of, fingerprint_text, natural_texts
from creditmesh.ingestion.entries import PeerEntry
from creditmesh.ingestion.operations.feed_keys import FeedCiphers
from creditmesh.ingestion.peer_gate import PeerGate, refused_item
from creditmesh.ingestion.store.revisions import Place
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import Row
from creditmesh.schemas.rules.identity import Identity

CATALOGUE = "catalogue"
"""The stream that every process follows, and the key of all its events."""


@dataclass(slots=True, kw_only=True)
class JudgedEntry:
    """An entry whose content passed, with everything that is known of it before its record is looked at."""

    entry: PeerEntry
    item: Item
    subject: UUID
    representative: UUID | None
    place: Place
    former_places: Sequence[Place]
    """Where a copy of before may be that is the same."""
    content: Content = field(repr=False)
    fingerprint: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Passed:
    entry: PeerEntry
    gate: PeerGate
    row: Row = field(repr=False)
    named: tuple[Identity, Identity | None] = field(repr=False)


async def assert_followed(ctx: Context) -> None:
    """Transient unless this process has followed the catalogue to its announced head: only then a refusal stands."""
    head = (await heads(await ctx.session(), CATALOGUE)).get(ctx.part(CATALOGUE))
    if head is not None and ctx.followed(Directory).number < head.number:
        raise Transient("a peer's entries wait for this process to follow the catalogue")


class PeerIntake:
    """Entries with content, of one run, under one legal date."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._gates: dict[str, PeerGate | FieldError] = {}

    async def take(self, entries: Sequence[PeerEntry]) -> tuple[list[JudgedEntry], Mapping[UUID, Cipher]]:
        """The copies these entries make, and the ciphers of everybody they are about."""
        ciphers = await FeedCiphers.of(self._ctx, entries)
        passed = [each for entry in entries if (each := self._judge(entry, ciphers)) is not None]
        if not passed:
            return [], {}
        copies = await self._identified(passed)
        return await self._opened(copies)

    def _judge(self, entry: PeerEntry, ciphers: FeedCiphers) -> _Passed | None:
        gate = self._gate(entry.said.item)
        if isinstance(gate, FieldError):
            entry.refusal = gate
            return None
        fields = ciphers.unseal(entry)
        if isinstance(fields, FieldError):
            entry.refusal = fields
            return None
        row = gate.compiled.validate(fields)
        if isinstance(row, tuple):
            entry.refusal = row[0]
            return None
        judgement = gate.judge(entry.said, row)
        if judgement.refusals or judgement.subject is None:
            entry.refusal = judgement.refusals[0]
            return None
        return _Passed(entry, gate, row, (judgement.subject, judgement.representative))

    def _gate(self, code: str) -> PeerGate | FieldError:
        if code not in self._gates:
            directory, today = self._ctx.followed(Directory), self._ctx.legal_date
            item = directory.item(code, on=today)
            refusal = refused_item(item)
            if item is None or refusal is not None:
                self._gates[code] = refusal or reason("unknown_item")
            else:
                self._gates[code] = PeerGate(directory.compiled(code, item.number, on=today), today=today)
        return self._gates[code]

    async def _identified(self, passed: Sequence[_Passed]) -> list[JudgedEntry]:
        named = [who for each in passed for who in each.named if who is not None]
        subjects = iter(await self._ctx.vault.resolve(named))
        return [self._copy(each, next(subjects), None if each.named[1] is None else next(subjects)) for each in passed]

    def _copy(self, passed: _Passed, subject: UUID, representative: UUID | None) -> JudgedEntry:
        entry, item, keys = passed.entry, passed.gate.compiled.item, self._ctx.keys
        content = content_of(passed.gate.compiled, passed.row, passed.named[0].kind)
        texts = natural_texts(item, passed.row, subject=subject, origin=entry.origin)
        part = self._ctx.part(str(subject))
        place, *former = [(part, subject, keys.mac("fingerprint", text)) for text in texts]
        return JudgedEntry(
            entry=entry,
            item=item,
            subject=subject,
            representative=representative,
            place=place,
            former_places=former,
            content=content,
            fingerprint=keys.mac("fingerprint", fingerprint_text(item.code, passed.row)),
        )

    async def _opened(self, copies: Sequence[JudgedEntry]) -> tuple[list[JudgedEntry], Mapping[UUID, Cipher]]:
        standing = list(copies)
        while True:
            try:
                return standing, await self._ctx.vault.open({who for copy in standing for who in _about(copy)})
            except Erased as erased:
                for copy in standing:
                    if erased.subject in _about(copy):
                        copy.entry.refusal = reason("subject_erased")
                standing = [copy for copy in standing if copy.entry.refusal is None]


def _about(copy: JudgedEntry) -> set[UUID]:
    return {copy.subject} if copy.representative is None else {copy.subject, copy.representative}
