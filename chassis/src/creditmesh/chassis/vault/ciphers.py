"""Ciphers: the data key of each subject, made at the first opening and kept unwrapped for a while.

What is kept is let go after `SECONDS_KEPT`, so that an erased person's key is soon gone everywhere.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from creditmesh.chassis.errors import MeshError
from creditmesh.chassis.recent import Recent
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.chassis.vault.keys import Keys

Ask = Callable[[str, Mapping[str, object]], Awaitable[Sequence[Any]]]
"""Runs a statement with its values; its rows."""
SECONDS_KEPT = 300.0
"""How long an unwrapped cipher is used before its key is asked for again; a tenth later it is let go."""
SECONDS_CLOSED = 2 * SECONDS_KEPT
"""How long somebody is closed before their key is destroyed: nobody has it in memory then, or their number."""
_OPEN = "select subject, key_id, wrapped, closed from vault.open(:given, :offered, :key, :algorithm)"


class KnownKey(NamedTuple):
    """What the vault has of somebody: the id of the wrapping key, and their own one, None once it was destroyed.

    Of who is `closed` nothing is kept in memory: their key may be destroyed soon.
    """

    key: str
    wrapped: bytes | None
    closed: bool = False


class Erased(MeshError, LookupError):
    """The subject's data key was destroyed: what was sealed about them is gone, and nothing can be sealed again."""

    def __init__(self, subject: UUID) -> None:
        super().__init__(f"subject {subject} was erased")
        self.subject = subject


class UnknownSubject(MeshError, LookupError):
    """No such subject in this node's vault."""

    def __init__(self, subject: UUID) -> None:
        super().__init__(f"no subject {subject}")
        self.subject = subject


class Ciphers:
    """The ciphers of one vault, of which it keeps at most `remember`."""

    def __init__(self, ask: Ask, keys: Keys, *, remember: int, seconds: Callable[[], float]) -> None:
        self._ask = ask
        self._keys = keys
        self._kept: Recent[UUID, Cipher] = Recent(remember, seconds=SECONDS_KEPT, clock=seconds)
        self._keyless: Recent[UUID, bool] = Recent(remember)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, subject: UUID) -> Cipher | None:
        """The cipher of this subject, if it is kept."""
        return self._kept.get(subject)

    def offer_key_to(self, subject: UUID) -> None:
        """Nobody has made a key of theirs: offer one when they are first opened."""
        self._keyless.put(subject, True)

    async def open(self, subjects: Iterable[UUID]) -> dict[UUID, Cipher]:
        """A cipher for each of these subjects; Erased or UnknownSubject, naming the first who has none."""
        asked = dict.fromkeys(subjects)
        opened = {subject: cipher for subject in asked if (cipher := self._kept.get(subject)) is not None}
        if missing := [subject for subject in asked if subject not in opened]:
            opened |= await self._opened(missing)
        return opened

    def new_key(self, subject: UUID) -> bytes:
        """A wrapped data key, to be theirs if they have none."""
        return self._keys.wrap(os.urandom(32), context=subject.bytes)

    def unwrapped(self, subject: UUID, known: KnownKey | None) -> Cipher:
        """The cipher under what the vault has of them; it is kept, unless they are closed."""
        cipher = self.passing(subject, known)
        if known is not None and not known.closed:
            self._kept.put(subject, cipher)
        return cipher

    def passing(self, subject: UUID, known: KnownKey | None) -> Cipher:
        """As `unwrapped`; nothing is kept."""
        if known is None:
            raise UnknownSubject(subject)
        if known.wrapped is None:
            raise Erased(subject)
        return Cipher(subject, self._keys.unwrap(known.wrapped, context=subject.bytes, key=known.key))

    async def _opened(self, missing: Sequence[UUID]) -> dict[UUID, Cipher]:
        offered = [self.new_key(subject) if self._keyless.drop(subject) else None for subject in missing]
        known = await self._data_keys(missing, offered)
        if new := [subject for subject in missing if subject not in known]:
            known |= await self._data_keys(new, [self.new_key(subject) for subject in new])
        return {subject: self.unwrapped(subject, known.get(subject)) for subject in missing}

    async def _data_keys(self, subjects: Sequence[UUID], offered: Sequence[bytes | None]) -> dict[UUID, KnownKey]:
        values = {
            "given": subjects,
            "offered": offered,
            "key": self._keys.key_id("data"),
            "algorithm": self._keys.algorithm("data"),
        }
        return {subject: KnownKey(*known) for subject, *known in await self._ask(_OPEN, values)}
