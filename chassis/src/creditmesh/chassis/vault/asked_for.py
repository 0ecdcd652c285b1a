"""Who is asked for: by which number, by what they may have been known before, and who is in memory."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from creditmesh.chassis.errors import MeshError
from creditmesh.chassis.recent import Recent
from creditmesh.chassis.vault.ciphers import SECONDS_KEPT
from creditmesh.chassis.vault.index import former_of
from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.rules.identity import Identity

Missing = Sequence[tuple[bytes, Identity]]
"""Who is not in memory, each with the index value that finds them."""
_AT_ONCE = 500
"""After how many former values (2 us each) others have a turn: a permit has a hundred."""


class WholeCodeNeeded(MeshError, LookupError):
    """Nine characters of codes that nobody is known by yet: before decision 30 they were known by all 18."""

    def __init__(self, identities: Iterable[Identity]) -> None:
        super().__init__("an organisation's code is needed whole")
        self.identities = frozenset(identities)


def assert_whole(unknown: Missing) -> None:
    """WholeCodeNeeded if one of these, whom nobody is known by, is asked for by nine characters alone."""
    whole = {index for index, who in unknown if who.is_whole}
    if some := [who for index, who in unknown if index not in whole]:
        raise WholeCodeNeeded(some)


async def former_values(keys: Keys, missing: Missing) -> list[tuple[bytes, bytes]]:
    """Each index value with what it may have been before, the likeliest first; others have a turn in between."""
    former: list[tuple[bytes, bytes]] = []
    turn = _AT_ONCE
    for index, who in dict.fromkeys(missing):
        former += ((index, old) for old in former_of(keys, who))
        if len(former) >= turn:
            turn = len(former) + _AT_ONCE
            await asyncio.sleep(0)
    return former


class KnownSubjects:
    """The subjects that a vault has in memory for a while, by the number they were asked for with.

    Not by the index value alone: another number with the same one has other former ones, which must be looked up.
    """

    def __init__(self, kept: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._subjects: Recent[bytes, UUID] = Recent(kept, seconds=SECONDS_KEPT, clock=seconds)

    def __len__(self) -> int:
        return len(self._subjects)

    def get(self, index: bytes, who: Identity) -> UUID | None:
        """The subject of this identity, whose index value this is."""
        return self._subjects.get(_place(index, who))

    def put(self, asked: Missing, found: Mapping[bytes, UUID]) -> None:
        """Remember those of them that were found."""
        for index, who in asked:
            if index in found:
                self._subjects.put(_place(index, who), found[index])

    def among(self, indexes: Sequence[bytes], identities: Sequence[Identity]) -> tuple[dict[bytes, UUID], Missing]:
        """The subjects of these that are known, by index value, and who is not."""
        found: dict[bytes, UUID] = {}
        missing = []
        for index, who in zip(indexes, identities, strict=True):
            subject = self.get(index, who)
            if subject is None:
                missing.append((index, who))
            else:
                found[index] = subject
        return found, missing


def _place(index: bytes, who: Identity) -> bytes:
    if who.document != "uscc" or not who.is_whole:
        return index
    number = who.number.reveal()
    return index + f"{number[:8]}{number[17:]}".encode("ascii")
