"""Candidates: rows that passed a gate and have found their subjects, whoever brings them; nothing is locked or written.

Content, natural keys and fingerprint are made here and nowhere else.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.asked_for import WholeCodeNeeded
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.chassis.vault.ciphers import Erased
from creditmesh.ingestion.content import (
    Content,
    code_text,
    content_of,
    fingerprint_text,
    former_fingerprint_text,
    name_text,
    natural_texts,
    number_text,
)
from creditmesh.ingestion.lawful import Judgement
from creditmesh.ingestion.store.revisions import Place
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.display import Period, lengthened
from creditmesh.schemas.rules.identity import Identity

_SLICE = 100
REPRESENTATIVE = "legal_representative"
"""The role of whom a row names beside its subject."""


@dataclass(slots=True, kw_only=True)
class PassedRow:
    """A row that a gate has let pass, and whose record it would be."""

    compiled: CompiledItem
    origin: str
    row: Row = field(repr=False)
    given: Row = field(repr=False)
    """The row with its codes as they were written: what its fingerprint is of."""
    judgement: Judgement = field(repr=False)

    @property
    def subject(self) -> Identity:
        """Whom it is about."""
        if self.judgement.subject is None:
            raise RuntimeError("a row that names nobody passes no gate")
        return self.judgement.subject


@dataclass(slots=True, kw_only=True)
class Candidate:
    """What may become a revision: everything that is known of a row before its record is looked at."""

    passed: PassedRow
    place: Place
    """Where its record's revisions are, under the natural key that this has."""
    places: Sequence[Place]
    """Where they may be: as the row is, and as it may have been before."""
    content: Content = field(repr=False)
    name: bytes = field(repr=False)
    """By which the name of its subject is compared."""
    code: bytes | None = field(repr=False)
    """By which the 18 characters of a body's code are compared; None where it has none."""
    fingerprint: bytes = field(repr=False)
    fingerprints: frozenset[bytes] = field(repr=False)
    """By which its content is recognised: `fingerprint`, and that of the row with every code in its canonical form."""
    number: bytes | None = field(repr=False)
    """By which its party finds it by its document's number; None where it has none."""
    representative: tuple[UUID, int] | None
    """Another whom it names, and their part."""
    cipher: Cipher
    other_cipher: Cipher
    """The representative's; the subject's where there is none."""
    former_fingerprints: frozenset[bytes] | None = field(default=None, repr=False)
    """By which its content was recognised before; None until `all_fingerprints` is asked."""

    @property
    def item(self) -> Item:
        """The version of the item that it was read with."""
        return self.passed.compiled.item

    @property
    def holds(self) -> Sequence[FieldError]:
        """What is doubtful about it."""
        return self.passed.judgement.holds

    @property
    def is_whole_decision(self) -> bool:
        """Whether the decision's number alone tells its record from others, as it did of all before decision 33."""
        number = self.item.roles.decision_number
        return not any(self.passed.row.get(code) for code in self.item.identifying if code != number)

    def has_role(self, role: str | None) -> UUID | None:
        """Whom it names in this role."""
        return None if self.representative is None or role != REPRESENTATIVE else self.representative[0]

    def facts(self) -> dict[str, object]:
        """What its event says of the record beside its life, but for what is sealed."""
        judged, roles = self.passed.judgement, self.item.roles
        related = []
        if self.representative is not None:
            subject, part = self.representative
            related.append({"role": REPRESENTATIVE, "subject": str(subject), "part": part})
        return {
            "kind": self.passed.subject.kind,
            "severity": judged.severity,
            "decided_on": judged.decided_on,
            "display_from": judged.period.begins,
            "display_until": judged.period.until,
            "false_material": judged.false_material,
            "issuer": self.passed.row[roles.issuer],
            "fields": orjson.Fragment(self.content.clear),
            "related": related,
        }

    def lengthen(self) -> None:
        """The record is one whose repair was obtained by false material: it is shown as long as the item says."""
        judged = self.passed.judgement
        judged.false_material = True
        until = lengthened(judged.period.until, self.item.repair, decided_on=judged.decided_on)
        judged.period = Period(judged.period.begins, until)

    def sealed(self, record: UUID) -> list[dict[str, JsonValue]]:
        """Each person's fields under their own key; a representative without a number is sealed with the subject."""
        split, sealed = self.content.split, []
        if split.subject:
            sealed.append(self.cipher.seal_json(self.content.subject, object=record, field="subject"))
        if split.representative:
            sealed.append(
                self.other_cipher.seal_json(self.content.representative, object=record, field="representative")
            )
        return sealed


async def candidates_of(
    ctx: Context, passed: Sequence[PassedRow], *, whole: Mapping[str, Identity] | None = None, dry_run: bool = False
) -> list[Candidate | FieldError]:
    """A candidate for each of these rows, or why it is none. Commits in the vault only; a dry run, nothing at all.

    `whole` are codes of 18 characters that are sent beside these rows, by their identities' keys: nine characters of
    theirs are found by them.
    """
    named = [each.subject for each in passed]
    others = [who for each in passed if (who := each.judgement.representative) is not None]
    if not named:
        return []
    try:
        beside = [] if whole is None else [whole[each.key] for each in named if each.key in whole]
        subjects, ciphers = await _identified(ctx, [*named, *others, *beside], dry_run=dry_run)
    except WholeCodeNeeded as error:
        return await _without(ctx, passed, error.identities, whole=whole, dry_run=dry_run)
    representatives = iter(subjects[len(named) :])
    made: list[Candidate | FieldError] = []
    async for some in in_slices(list(zip(passed, subjects, strict=False)), _SLICE, seconds=0.005):
        made += _candidates(ctx, some, representatives, ciphers)
    return made


def all_fingerprints(ctx: Context, candidate: Candidate) -> frozenset[bytes]:
    """By which its content is recognised, and was until decision 33: that is made once, and only where it is asked."""
    if candidate.former_fingerprints is None:
        candidate.former_fingerprints = _former_fingerprints(ctx, candidate)
    return candidate.fingerprints | candidate.former_fingerprints


def natural_keys(ctx: Context, item: Item, row: Row, *, subject: UUID, origin: str) -> list[bytes]:
    """Under which the record of a row of this subject is found: as it is, and as it may have been before."""
    keyed_by = ctx.followed(Directory).keyed_by(item.code)
    texts = natural_texts(item, row, subject=subject, origin=origin, keyed_by=keyed_by)
    return [ctx.keys.mac("fingerprint", text) for text in texts]


def number_mac(ctx: Context, number: str) -> bytes | None:
    """By which records of a document's number are found; None of an empty one."""
    return ctx.keys.mac("fingerprint", number_text(number)) if number.strip() else None


def _former_fingerprints(ctx: Context, candidate: Candidate) -> frozenset[bytes]:
    """Those of before, under every version of the item."""
    directory, code, today = ctx.followed(Directory), candidate.item.code, ctx.legal_date
    kind = candidate.passed.subject.kind
    versions = (each.number for each in directory.versions("item", code) if each.state == "published")
    texts = (
        former_fingerprint_text(directory.compiled(code, each, on=today), candidate.passed.row, kind)
        for each in versions
    )
    return frozenset(ctx.keys.mac("fingerprint", text) for text in texts)


async def _without(
    ctx: Context,
    passed: Sequence[PassedRow],
    refused: AbstractSet[Identity],
    *,
    whole: Mapping[str, Identity] | None,
    dry_run: bool,
) -> list[Candidate | FieldError]:
    others = [each for each in passed if each.subject not in refused]
    made = iter(await candidates_of(ctx, others, whole=whole, dry_run=dry_run))
    return [
        reason("whole_code_needed", f"/{each.compiled.item.roles.uscc}") if each.subject in refused else next(made)
        for each in passed
    ]


async def _identified(
    ctx: Context, named: Sequence[Identity], *, dry_run: bool
) -> tuple[list[UUID], Mapping[UUID, Cipher]]:
    if dry_run:
        return await ctx.vault.look_up(named)
    try:
        return await ctx.vault.identify(named)
    except Erased:
        subjects = await ctx.vault.resolve(named)
        return subjects, await ctx.vault.open_left(subjects)


def _candidates(
    ctx: Context,
    found: Sequence[tuple[PassedRow, UUID]],
    representatives: Iterator[UUID],
    ciphers: Mapping[UUID, Cipher],
) -> Iterator[Candidate | FieldError]:
    for passed, subject in found:
        other = None if passed.judgement.representative is None else next(representatives)
        cipher, other_cipher = ciphers.get(subject), ciphers.get(other or subject)
        if cipher is None or other_cipher is None:
            yield reason("subject_erased")
            continue
        item, part = passed.compiled.item, ctx.part(str(subject))
        keys = natural_keys(ctx, item, passed.row, subject=subject, origin=passed.origin)
        places = [(part, subject, key) for key in keys]
        fingerprint = _fingerprint(ctx, item, passed.given)
        canonical = fingerprint if passed.given == passed.row else _fingerprint(ctx, item, passed.row)
        yield Candidate(
            passed=passed,
            place=places[0],
            places=places,
            content=content_of(passed.compiled, passed.row, passed.subject.kind),
            name=ctx.keys.mac("fingerprint", name_text(item, passed.row, subject=subject)),
            code=_code(ctx, passed.subject, subject),
            fingerprint=fingerprint,
            fingerprints=frozenset((fingerprint, canonical)),
            number=number_mac(ctx, passed.row.get(item.roles.decision_number, "")),
            representative=None if other is None else (other, ctx.part(str(other))),
            cipher=cipher,
            other_cipher=other_cipher,
        )


def _code(ctx: Context, who: Identity, subject: UUID) -> bytes | None:
    if who.document != "uscc" or not who.is_whole:
        return None
    return ctx.keys.mac("fingerprint", code_text(who.number.reveal(), subject=subject))


def _fingerprint(ctx: Context, item: Item, row: Row) -> bytes:
    return ctx.keys.mac("fingerprint", fingerprint_text(item.code, row))
