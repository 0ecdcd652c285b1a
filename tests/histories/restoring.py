"""A copy of a node's database that may be put in its place: what is lost with it, and what the guide has come back."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.histories import looking
from tests.histories.deed import CannotBeTakenError, in_force
from tests.histories.model import Case, Model
from tests.histories.parting import join, part
from tests.histories.world import World
from tests.journeys.mesh import Mesh
from tests.support.cast import resident, uscc


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One, with what the model knew when it was made of what no feed tells: cases, operators' words, credentials."""

    code: str
    world: World
    mesh: Mesh
    model: Model
    revisions: frozenset[tuple[UUID, int]]
    """The revisions that had been decided at the node."""
    said: tuple[int, int]
    cases: dict[int, list[Case]]
    tokens: dict[str, str]

    def may_be_put_back(self) -> bool:
        """Whether no word of an operator would be lost: it would have to be said again, which is not for a history."""
        return self.said == _said(self.model, self.code)

    async def put_back(self) -> None:
        """Put it in its place.

        CannotBeTakenError while something decided since is not verified above, or would not be taken today.
        """
        await self._assert_may_be_lost()
        await self.world.put_back(self.code)
        await self._is_back()

    async def begin_again(self, above: str, since: Callable[[], Awaitable[Any]]) -> Any:
        """Put it in its place as one from before the node above was enrolled; something is decided before it is again.

        What that is. CannotBeTakenError as for `put_back`.
        """
        await self._assert_may_be_lost()
        await part(self.world, self.code, above)
        await self._is_back()
        done = await since()
        await self.world.settled(self.code)
        await join(self.world, self.code, above)
        return done

    async def _assert_may_be_lost(self) -> None:
        lost = await decided_at(self.world, self.code) - self.revisions
        if lost and not (lost <= await self._verified_above() and self._are_taken({record for record, _ in lost})):
            raise CannotBeTakenError

    async def _is_back(self) -> None:
        cast = self.mesh[self.code]
        cast.tokens.clear()
        cast.tokens.update(self.tokens)
        for record in self.model.records.values():
            if record.origin == self.code:
                kept = [case for case in record.cases if case in self.cases.get(record.number, ())]
                record.unsure = record.unsure or kept != record.cases
                record.cases = kept
                if (
                    f"subject {record.number}" not in cast.tokens
                ):  # the copy knows a person's keys, of which few may live
                    code = uscc(record.number)
                    await cast.person(f"subject {record.number}", code, kind="organisation", document="uscc")
                if f"boss {record.number}" not in cast.tokens:
                    await cast.person(f"boss {record.number}", resident(record.number))

    async def _verified_above(self) -> set[tuple[UUID, int]]:
        """The revisions that the node above has from this one's feed, and gives back when it is asked."""
        above = self.world.chain.places[self.code].above
        if above is None or not self._know_each_other(above):
            return set()
        size = await looking.copied_size(self.world.eyes[above], self.code)
        return await looking.shared(self.world.eyes[self.code], until=size)

    def _know_each_other(self, above: str) -> bool:
        parties = ((self.code, above), (above, self.code))
        return all(self.world.chain[code].host.followed.party(peer).active for code, peer in parties)

    def _are_taken(self, records: set[UUID]) -> bool:
        """Whether the gate would take their content today; if not they are listed, and come back when it is."""
        known = {record.key: record.item for record in self.model.records.values()}
        return all(key in known and in_force(self.mesh[self.code], known[key]) for key in records)


async def copied(world: World, mesh: Mesh, model: Model, code: str) -> Copy:
    """What is to be known of a copy that was made just now."""
    return Copy(
        code=code,
        world=world,
        mesh=mesh,
        model=model,
        revisions=frozenset(await decided_at(world, code)),
        said=_said(model, code),
        cases={record.number: deepcopy(record.cases) for record in model.records.values()},
        tokens=dict(mesh[code].tokens),
    )


async def decided_at(world: World, code: str) -> set[tuple[UUID, int]]:
    """The revisions of the records that began at a node, as it holds them."""
    held = await looking.revisions(world.eyes[code])
    return {(record, each["rev"]) for record, revs in held.items() for each in revs if each["origin"] == code}


def _said(model: Model, code: str) -> tuple[int, int]:
    return model.peers, model.said if code == "nation" else 0
