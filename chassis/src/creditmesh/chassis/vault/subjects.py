"""Subjects: found or made from identities, and opened for sealing.

All calls commit by themselves, before the caller's own transaction: a subject or a data key that nobody uses harms
nothing. An index value changes its subject only after that one was erased, so what was found is kept in memory for a
while without invalidation.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args
from uuid import UUID
from zlib import crc32

import structlog

from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.ids import random_id
from creditmesh.chassis.metrics import SPLIT_SUBJECTS
from creditmesh.chassis.vault.asked_for import KnownSubjects, Missing, assert_whole, former_values
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.chassis.vault.ciphers import SECONDS_CLOSED, Ciphers, Erased, KnownKey
from creditmesh.chassis.vault.index import index_of
from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.identity import Identity

_log = structlog.get_logger(__name__)
Call = Literal["resolve", "open", "identify", "look_up", "kinds", "know", "erase"]
Erasing = Literal["close", "open", "destroy"]
"""What becomes of a person who is erased: nobody keeps their key in memory, or they may again, or it is destroyed."""
REMEMBERED = 20_000
"""How many ciphers (2.5 KB each) a vault keeps, unless its host says otherwise."""
_RESOLVE = """
    select index, subject, split, closed from vault.resolve(:given, :ids, :parts, :key, :algorithm, :heirs, :former)
"""
_IDENTIFY = """
    select index, subject, key_id, wrapped, split, closed from vault.identify(
        :given, :ids, :parts, :offered, :key, :algorithm, :data_key, :data_algorithm, :heirs, :former)
"""
_FIND = """
    select index, subject, split, closed
      from vault.resolve(:given, cast('{}' as uuid[]), cast('{}' as integer[]), :key, :algorithm, :heirs, :former)
"""
_LOOK_UP = "select index, subject, keyed, key_id, wrapped from vault.look_up(:given, :heirs, :former)"
_ERASE = "select subject from vault.erase(:given, :step, :seconds)"
_KINDS = "select subject, kind from vault.kinds(:given)"
KNOW = "vault.know(cast(:known as uuid[]), cast(:known_kinds as text[]))"
"""What `Vault.know` does, within another statement of a service that declares it; `known_values` are its values."""


def known_values(kinds: Mapping[UUID, SubjectKind | None]) -> dict[str, object]:
    """The values of `KNOW`; of whom something waits and nothing was accepted no kind is known: None."""
    return {"known": list(kinds), "known_kinds": list(kinds.values())}


class Vault:
    """The vault as one service may use it: `allowed` is what it declares.

    A node that is `upgraded` had people before decision 30: who is asked for may be known by a former index value.

    The pool is one of its own, so that a request which holds a connection never waits for a second one of the
    same pool. At most `remember` ciphers and ten times as many index values are kept in memory.
    """

    def __init__(
        self,
        pool: Pool,
        keys: Keys,
        *,
        parts: int,
        allowed: Collection[Call] = frozenset(get_args(Call)),
        upgraded: bool = False,
        remember: int = REMEMBERED,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._parts = parts
        self._allowed = frozenset(allowed)
        self.upgraded = upgraded
        self._subjects = KnownSubjects(10 * remember, seconds=seconds)
        self._ciphers = Ciphers(self._ask, keys, remember=remember, seconds=seconds)

    async def resolve(self, identities: Sequence[Identity]) -> list[UUID]:
        """The subject of each identity, in order; who is new gets a random id. Committed when this returns.

        WholeCodeNeeded if somebody may not be made.
        """
        self._may("resolve")
        indexes = self._indexes(identities)
        found, missing = self._subjects.among(indexes, identities)
        if missing:
            found |= await self._resolved(missing)
        return [found[index] for index in indexes]

    async def find(self, identities: Sequence[Identity]) -> list[UUID | None]:
        """The subject of each identity, in order, and None for who has none here: nobody is made."""
        self._may("resolve")
        return await self._find(identities)

    async def open(self, subjects: Iterable[UUID]) -> Mapping[UUID, Cipher]:
        """A cipher for each of these subjects; a data key is made at the first opening.

        Erased or UnknownSubject, naming the first such subject, if one of them has none.
        """
        self._may("open")
        return await self._ciphers.open(subjects)

    async def identify(self, identities: Sequence[Identity]) -> tuple[list[UUID], Mapping[UUID, Cipher]]:
        """The subject of each identity, in order, and their ciphers: `resolve` and `open` in one call to the vault.

        Who is closed has a key, and stays closed until something is accepted of them (`know`).
        Erased, naming the first such subject, if one of them has no key any more; WholeCodeNeeded as `resolve`.
        """
        self._may("identify")
        indexes = self._indexes(identities)
        found: dict[bytes, UUID] = {}
        opened: dict[UUID, Cipher] = {}
        missing: list[tuple[bytes, Identity]] = []
        for index, who in zip(indexes, identities, strict=True):
            subject = self._subjects.get(index, who)
            cipher = None if subject is None else self._ciphers.get(subject)
            if subject is None or cipher is None:
                missing.append((index, who))
            else:
                found[index], opened[subject] = subject, cipher
        if missing:
            made = await self._identified(missing)
            found |= {index: subject for index, (subject, _) in made.items()}
            opened |= dict(made.values())
        return [found[index] for index in indexes], opened

    async def look_up(self, identities: Sequence[Identity]) -> tuple[list[UUID], Mapping[UUID, Cipher]]:
        """What `identify` would give, with nobody made and nothing kept; who was erased has no cipher.

        Who has no subject here gets a stand-in, the same whenever they are asked for; who has no key, a passing cipher.
        WholeCodeNeeded as `resolve`.
        """
        self._may("look_up")
        indexes = self._indexes(identities)
        missing = list(zip(indexes, identities, strict=True))
        known_as = await self._known_as(missing)
        asked = {name: known_as[name] for name in ("given", "heirs", "former")}
        found: dict[bytes, UUID] = {}
        opened: dict[UUID, Cipher] = {}
        for index, subject, keyed, key, wrapped in await self._ask(_LOOK_UP, asked):
            found[index] = subject
            if wrapped is not None:
                opened[subject] = self._ciphers.passing(subject, KnownKey(key, wrapped))
            elif not keyed:
                opened[subject] = Cipher(subject, os.urandom(32))
        if self.upgraded:
            assert_whole([each for each in missing if each[0] not in found])
        for index in indexes:
            if index not in found:
                found[index] = stand_in = UUID(bytes=index[:16])
                opened[stand_in] = Cipher(stand_in, os.urandom(32))
        return [found[index] for index in indexes], opened

    async def open_left(self, subjects: Iterable[UUID]) -> Mapping[UUID, Cipher]:
        """As `open`, without those who were erased: nothing of theirs can be read any more."""
        left = set(subjects)
        while left:
            try:
                return await self.open(sorted(left))
            except Erased as error:
                left.discard(error.subject)
        return {}

    async def known(self, identities: Sequence[Identity]) -> list[UUID | None]:
        """As `find`, without those of whom nothing was accepted, and whose number no officer confirmed."""
        found = await self.find(identities)
        kinds = await self.kinds(subject for subject in found if subject is not None)
        return [subject if subject in kinds else None for subject in found]

    async def kinds(self, subjects: Iterable[UUID]) -> Mapping[UUID, SubjectKind]:
        """Of which kind each of these is by the newest that was accepted of them; of whom nothing was is not in it."""
        self._may("kinds")
        given = list(subjects)
        return dict(await self._ask(_KINDS, {"given": given})) if given else {}

    async def know(self, session: Session, kinds: Mapping[UUID, SubjectKind]) -> None:
        """What this session's transaction accepts of these subjects says that they are of that kind.

        Who is closed is opened by it. DatabaseError, passing, where somebody was erased meanwhile: who comes under
        their number then is somebody new.
        """
        self._may("know")
        if kinds:
            await session.execute(f"select {KNOW}", known_values(kinds))

    async def erase(self, session: Session, subjects: Iterable[UUID], step: Erasing) -> set[UUID]:
        """Take a step of erasing these in the session's transaction; those of whom it was taken.

        `destroy` is taken only of who was closed so long ago that no process has their key or their number in memory.
        What is accepted of them until then opens them. After it nothing finds them, and nothing opens.
        """
        self._may("erase")
        if not (given := sorted(subjects)):
            return set()
        rows = await session.fetch(_ERASE, {"given": given, "step": step, "seconds": SECONDS_CLOSED})
        return {UUID(bytes=row.subject.bytes) for row in rows}

    async def same_person(self, session: Session, subject: UUID) -> list[UUID]:
        """All subjects that this person has: two where they were known by two before decision 30, as a rule one."""
        self._may("erase")
        rows = await session.fetch(_ERASE, {"given": [subject], "step": "both", "seconds": 0.0})
        return sorted(UUID(bytes=row.subject.bytes) for row in rows)

    def _may(self, call: Call) -> None:
        if call not in self._allowed:
            raise PermissionError(f"this service does not declare that it may {call} subjects")

    def _indexes(self, identities: Sequence[Identity]) -> list[bytes]:
        return [index_of(self._keys, identity) for identity in identities]

    async def _known_as(self, missing: Missing) -> dict[str, Any]:
        former = await former_values(self._keys, missing) if self.upgraded else ()
        return {
            "given": sorted({index for index, _ in missing}),
            "heirs": [index for index, _ in former],
            "former": [old for _, old in former],
            "key": self._keys.key_id("index"),
            "algorithm": self._keys.algorithm("index"),
        }

    async def _offer(self, missing: Missing) -> dict[str, Any]:
        if self.upgraded and (some := [who for _, who in missing if not who.is_whole]):
            known = dict(zip(some, await self._find(some), strict=True))
            assert_whole([each for each in missing if known.get(each[1]) is None])
        known_as = await self._known_as(missing)
        ids = [random_id() for _ in known_as["given"]]
        return known_as | {
            "ids": ids,
            "parts": [crc32(str(subject).encode("ascii")) % self._parts for subject in ids],
        }

    async def _find(self, identities: Sequence[Identity]) -> list[UUID | None]:
        indexes = self._indexes(identities)
        found, missing = self._subjects.among(indexes, identities)
        if missing:
            found |= self._told(missing, await self._ask(_FIND, await self._known_as(missing)))
        return [found.get(index) for index in indexes]

    def _told(self, missing: Missing, rows: Sequence[Any]) -> dict[bytes, UUID]:
        """The subjects that the vault gave, by index value; who is closed is not kept in memory."""
        found = {row["index"]: self._found(row["subject"], split=row["split"]) for row in rows}
        self._subjects.put(missing, {row["index"]: found[row["index"]] for row in rows if not row["closed"]})
        return found

    def _found(self, subject: UUID, *, split: bool) -> UUID:
        if split:
            SPLIT_SUBJECTS.inc()
            _log.error("a person has two subjects", subject=str(subject), see="vault.split")
        return subject

    async def _resolved(self, missing: Missing) -> dict[bytes, UUID]:
        values = await self._offer(missing)
        mine = dict(zip(values["given"], values["ids"], strict=True))
        found = self._told(missing, await self._ask(_RESOLVE, values))
        for index, subject in found.items():
            if subject == mine[index]:
                self._ciphers.offer_key_to(subject)
        return found

    async def _identified(self, missing: Missing) -> dict[bytes, tuple[UUID, Cipher]]:
        values = await self._offer(missing)
        offered = {
            "offered": [self._ciphers.new_key(subject) for subject in values["ids"]],
            "data_key": self._keys.key_id("data"),
            "data_algorithm": self._keys.algorithm("data"),
        }
        rows = await self._ask(_IDENTIFY, values | offered)
        keyless = [subject for _, subject, key, *_ in rows if key is None]
        for subject in keyless:  # found here before, and never opened
            self._ciphers.offer_key_to(subject)
        ciphers = await self._ciphers.open(keyless)
        ciphers |= {
            subject: self._ciphers.unwrapped(subject, KnownKey(key, wrapped, closed))
            for _, subject, key, wrapped, _, closed in rows
            if key
        }
        return {index: (subject, ciphers[subject]) for index, subject in self._told(missing, rows).items()}

    async def _ask(self, statement: str, values: Mapping[str, object]) -> Sequence[Any]:
        async with self._pool.session() as session:
            return await session.fetch(statement, values)
