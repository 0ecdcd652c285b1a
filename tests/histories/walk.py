"""A history at a chain of nodes: step by step, with what must be so looked at after each, and all of it at rests."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from creditmesh.schemas.exchange import UP
from tests.histories import looking
from tests.histories.deed import CannotBeTakenError, Deed, Step
from tests.histories.model import CHANGING, ENDED, Record
from tests.histories.steps import Steps
from tests.histories.world import World
from tests.support.cast import ITEM
from tests.support.node import TestNode
from tests.support.reconciling import reconciled

_MOST = 30
"""Rounds in which everything that is under way has come to where it goes."""


class Walk:
    """One history."""

    def __init__(self, world: World, steps: Steps) -> None:
        self.world, self.steps, self.model = world, steps, steps.model
        self.told: list[Step] = []
        """What was done so far."""
        self.left_out: list[Step] = []
        """What could not be taken where it stood."""

    async def take(self, step: Step) -> None:
        """Take the step if it can be taken, and look."""
        verb, *words = step
        if verb == "rest":
            self.told.append(step)
            await self.rest()
        elif verb == "kill" and not words[2:]:
            self.told.append(step)
            await self.world.kill(words[0])
            await self._settled(words[0])
        elif verb == "kill":
            await self._interrupted(step)
        else:
            await self._done(step)
        await self.look()

    async def _done(self, step: Step) -> None:
        deed = self.steps.deed(step)
        if deed is None:
            self.left_out.append(step)
            return
        self.told.append(step)
        try:
            answer = await deed.call()
        except CannotBeTakenError:
            self.left_out.append(self.told.pop())
            return
        await self._acknowledged(deed, answer)

    async def _acknowledged(self, deed: Deed, answer: Any) -> None:
        await self._settled(deed.at)
        deed.then(answer)
        if deed.record is not None and deed.change is not None:
            deed.record.became(deed.change, decides=deed.decides)
        await self._as_origins_say()

    async def _interrupted(self, step: Step) -> None:
        """Take a step whose node is killed so many milliseconds after it began."""
        _, code, milliseconds, *words = step
        deed = self.steps.deed(tuple(words))
        if deed is None:
            self.left_out.append(step)
            return
        self.told.append(step)
        answer, error = await self.world.kill(code, during=deed.call(), after=int(milliseconds) / 1000)
        await self._settled(code)
        if error is None:
            await self._acknowledged(deed, answer)
        elif deed.change is not None and deed.record is not None:
            await self._settled(deed.at)
            deed.record.unsure = deed.record.unsure or deed.case
            if len(await self._history(deed.record)) > deed.record.rev:  # it was done, and nobody was told
                if not deed.case:
                    deed.then(None)
                deed.record.became(deed.change, decides=deed.decides)
            await self._as_origins_say()

    async def rest(self) -> None:
        """Let everything that is under way come to where it goes; then all must be equal."""
        before: list[Any] = []
        for _ in range(_MOST):
            await self._carry()
            now = [await looking.sizes(each) for each in self.world.eyes.values()]
            if now == before:
                break
            before = now
        else:
            raise AssertionError(f"it does not come to rest: {now}")
        await self.look(whole=True)
        if not self._parted():
            await self._is_equal()
            await self._is_reconciled()

    async def _carry(self) -> None:
        """Every node pulls what is there for it, has judged anew what it refused, and answers, once."""
        for code in self.world.chain.nodes:
            for peer, feed in list(self.world.links(code)):
                await self.world.pull(code, peer, feed)
            await self.world.settled(code)
        for code in self.world.chain.nodes:
            for peer in {peer for peer, _ in self.world.links(code)}:
                if self.model.item != "withdrawn" and (peer, UP) in set(self.world.links(code)):
                    await self.world.offer(code, peer)
                    await self.world.settled(code)
                await self.world.answer(code, peer)
        for code in self.world.chain.nodes:
            await self.world.settled(code)

    # What must be so.

    async def look(self, *, whole: bool = False) -> None:
        """At every moment: nothing is shown that its origin ended and that this node has acknowledged, and so on."""
        nodes = self.world.chain.nodes
        eyes = self.world.eyes
        for code in nodes:
            found = await looking.faults(eyes[code])
            assert not found, f"{code}: {found}"
        acknowledged = {code: await looking.answered(eyes[code]) for code in {r.origin for r in self._records()}}
        chosen = self._records() if whole else self._records()[-6:]
        certified = [each for record in chosen for each in await self._certified(record)]
        for code, node in nodes.items():
            if await looking.behind(eyes[code], code, {below: eyes[below] for below in self._below(code)}):
                continue
            shown, held = await self._shown(node), await looking.revisions(eyes[code])
            if shown is None:
                continue  # it was put back a moment ago, and shows nothing yet
            for record in self._records():
                rev = record.rev if record.origin == code else acknowledged[record.origin].by(code, record.key)
                self._is_true_of(record, rev, code, shown, held)
            for record, said in certified:
                self._certifies(record, said, code, shown, held)

    def _is_true_of(self, record: Record, rev: int | None, code: str, shown: Any, held: Any) -> None:
        """That a node which has acknowledged this revision is not behind it, and shows nothing that it ended."""
        what = f"{code}: {self._named(record)}, revision {rev}"
        mine = held.get(record.key, [])
        revs = [each["rev"] for each in mine]
        assert revs == sorted(set(revs)), f"{what}: a revision is held twice: {revs}"
        assert not revs or revs[-1] <= record.rev, f"{what}: it holds what its origin never said: {revs}"
        if rev is None:
            return
        if record.shown_by_none(rev):
            assert record.key not in shown, f"{what} ended it, and it is shown"
        newest = revs[-1] if revs else 0
        if not record.ended_at(rev) and (
            revs or record.item == ITEM
        ):  # or its content came when the item was not there
            assert newest >= rev, f"{what} was acknowledged as applied, and {newest} is held"
        if newest == rev and not record.ended_at(rev) and record.item == ITEM:
            assert record.key in shown, f"{what} is held, and not shown"
            assert shown[record.key] == record.history[rev - 1].mark, f"{what}: the mark"

    async def _shown(self, node: TestNode) -> dict[UUID, str | None] | None:
        """What a node shows of both items; None while it shows nothing because it catches up."""
        standing, changing = await looking.shown(node, ITEM), await looking.shown(node, CHANGING)
        return None if standing is None or changing is None else standing | changing

    async def _certified(self, record: Record) -> list[tuple[Record, Any]]:
        cast = self.steps.mesh[record.origin]
        found = []
        for case in record.cases:
            door = cast.door(f"{case.by} {record.number}")
            said = await looking.certificate(self.world.chain[record.origin], door, case.id)
            if said is not None:
                found.append((record, said))
        return found

    def _certifies(self, record: Record, said: Any, code: str, shown: Any, held: Any) -> None:
        """That who is not named as pending has applied it: it shows nothing that this revision ended."""
        what = f"certificate of {self._named(record)}, revision {said.rev}, complete {said.complete}"
        way = [record.origin, *self._above(record.origin)]
        if code not in way or not set(said.pending).isdisjoint(way[: way.index(code) + 1]):
            return  # who is above somebody that has not answered is known when it has
        if record.shown_by_none(said.rev):
            assert record.key not in shown, f"{what}: {code} shows it"
        elif record.key in shown and not record.ended:
            newest = held[record.key][-1]["rev"] if held.get(record.key) else 0
            assert newest >= said.rev, f"{what}: {code} holds {newest}"

    async def _is_reconciled(self) -> None:
        """What each node holds of each peer is what the peer's feed says, as its operator is told."""
        for code, node in self.world.chain.nodes.items():
            for peer in sorted({peer for peer, _ in self.world.links(code)}):
                report = await reconciled(node, peer)
                assert report.equal, f"{code} holds of {peer} otherwise: {report.heads} {report.found} {report.counts}"

    async def _is_equal(self) -> None:
        """At rest: heads are equal, and every record is at each tier once, as its origin says it."""
        nodes, eyes = self.world.chain.nodes, self.world.eyes
        own = {code: await looking.heads(each) for code, each in eyes.items()}
        for code, each in eyes.items():
            for (peer, feed), head in (await looking.copied_heads(each)).items():
                assert own[peer].get(feed) == head, f"{code} holds another head of {peer}/{feed}"
        held = {code: await looking.revisions(each) for code, each in eyes.items()}
        refused = {code: await looking.refused(each) for code, each in eyes.items()}
        shown = {code: await self._shown(node) for code, node in nodes.items()}
        for record in self._records():
            said_no: set[tuple[UUID, int]] = set()
            for code in self._above(record.origin):  # what one tier refuses comes no higher
                said_no |= refused[code]
                self._is_as_its_origin_says(record, code, held, said_no)
            for code in (record.origin, *self._above(record.origin)):
                # Where what its origin says of it is refused it is withheld, or stays ended.
                state = held[code].get(record.key, [{"state": "none"}])[-1]["state"]
                expected = self.model.shows(record) and state in {"published", "none"}
                there = shown[code]
                assert there is not None, f"{code} catches up with nobody, and shows nothing"
                assert (record.key in there) == expected, f"at rest {self._named(record)} at {code}: shown or not"
        for record in self._records():
            for _, said in await self._certified(record):
                self._is_answered(record, said, refused)
            if record.discharged:
                await self._concerns_no_more(record)

    def _is_answered(self, record: Record, said: Any, refused: Mapping[str, set[tuple[UUID, int]]]) -> None:
        """That nobody owes an answer: who has not applied it refuses it still, and the record goes on."""
        what = f"at rest a certificate of {self._named(record)}, revision {said.rev}"
        lines = {line.holder: line for line in said.lines}
        for code in said.pending:
            assert lines[code].outcome == "refused", f"{what} waits for {code}"
            assert (record.key, said.rev) in refused[code], f"{what} says that {code} refuses it"
            assert not any(each.state in ENDED for each in record.history[said.rev :]), f"{what}: it has ended since"

    def _is_as_its_origin_says(self, record: Record, code: str, held: Any, refused: Collection[Any]) -> None:
        mine, truth = held[code].get(record.key), held[record.origin][record.key][-1]
        what = f"at rest {self._named(record)} at {code}"
        if any((record.key, rev) in refused for rev in range(record.said_from, record.rev + 1)):
            assert (record.item, self.model.item) in {(CHANGING, "narrowed"), (CHANGING, "withdrawn")}, (
                f"{what}: refused"
            )
            assert mine is None or mine[-1]["state"] != "published", f"{what}: of which something is refused"
        elif mine is None:
            assert record.ended, f"{what} is not there"
        else:
            # What ended here when its newest content had been refused says what was said before.
            said = ("rev", "change", "state") if record.ended else tuple(truth.keys() - OWN_TO_A_NODE)
            assert {name: mine[-1][name] for name in said} == {name: truth[name] for name in said}, what

    async def _concerns_no_more(self, record: Record) -> None:
        """Whom it was ended for finds it at no tier in what is said of them."""
        for code in (record.origin, *self._above(record.origin)):
            cast, name = self.steps.mesh[code], f"boss {record.number}"
            if name not in cast.tokens:
                await cast.person(name, record.row["CF_FR_ZJHM"])
            found = await looking.file_of(cast.door(name))
            assert record.key not in found, f"record {record.number} concerns at {code} whom it was ended for"

    async def _as_origins_say(self) -> None:
        """What was acknowledged is what stands at its origin, and nothing else."""
        for code in {each.origin for each in self._records()}:
            held = await looking.revisions(self.world.eyes[code])
            for record in self._records():
                if record.origin == code:
                    found = [(each["change"], each["state"], each["mark"]) for each in held[record.key]]
                    expected = [(each.change, each.state, each.mark) for each in record.history]
                    assert found == expected, f"record {record.number} at its origin: {found}, and not {expected}"

    async def _history(self, record: Record) -> list[Any]:
        return (await looking.revisions(self.world.eyes[record.origin]))[record.key]

    def _named(self, record: Record) -> str:
        return f"record {record.number} ({', '.join(each.change for each in record.history)})"

    def _records(self) -> list[Record]:
        return list(self.model.records.values())

    def _below(self, code: str) -> list[str]:
        return [place.code for place in self.world.chain.places.values() if place.above == code]

    def _above(self, code: str) -> list[str]:
        above = self.world.chain.places[code].above
        return [] if above is None else [above, *self._above(above)]

    def _parted(self) -> bool:
        """Whether a peer is taken out somewhere."""
        return any(
            not self.world.chain[code].host.followed.party(peer).active
            for place in self.world.chain.places.values()
            if place.above is not None
            for code, peer in ((place.code, place.above), (place.above, place.code))
        )

    async def _settled(self, code: str) -> None:
        await self.world.settled(code)


OWN_TO_A_NODE = {"subject", "revision", "submission", "officer", "item_version", "lane", "sealed", "related", "about"}
