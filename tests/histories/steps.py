"""The steps of a history: what is done at which node, what it must make of the model, and when it may be done.

A step is words, so that a history can be printed, cut and told again: `correct 3`, `pull province city up 2`,
`kill city 40 withdraw 3`. Told again, a step that cannot be taken where it stands is left out.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.schemas.exchange import UP
from tests.histories.model import CHANGING, Case, Model, Record
from tests.histories.world import World
from tests.journeys.mesh import Mesh, act, an_item, done, enterprise, filed
from tests.support.cast import ISSUER, ITEM, resident, uscc

Step = tuple[str, ...]
_ISSUERS = {"city": ISSUER, "province": "11990000000010022D"}


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What a step does at a node, and what has to be so when it was acknowledged."""

    at: str
    call: Callable[[], Awaitable[Any]]
    record: Record | None = None
    change: str | None = None
    decides: bool = False
    then: Callable[[Any], None] = lambda _: None
    """What the model learns of an answer that came."""
    case: bool = False
    """Whether it is of several calls about a case: nobody knows how far it came if it is interrupted."""


class Steps:
    """Every kind of step, at a chain and its model."""

    def __init__(self, world: World, mesh: Mesh, model: Model) -> None:
        self.world, self.mesh, self.model = world, mesh, model

    def deed(self, step: Step) -> Deed | None:
        """What the step does now; None where it cannot be taken."""
        verb, *words = step
        made: Deed | None = getattr(self, verb)(*words)
        return made

    # What departments do.

    def submit(self, number: str, origin: str) -> Deed | None:
        order = int(number)
        if order in self.model.records:
            return None
        cast = self.mesh[origin]
        issuer = {"CF_CFJGDM": _ISSUERS[origin], "CF_SJLYDM": _ISSUERS[origin]}
        row = enterprise(cast, f"示市监罚〔2026〕{order}号", order, **_boss(order), **issuer)

        item = CHANGING if order % 3 == 0 else ITEM
        if not self._in_force(origin, item):
            return None

        async def call() -> str:
            await cast.person(f"subject {order}", uscc(order), kind="organisation", document="uscc")
            await cast.person(f"boss {order}", resident(order))
            answer = await cast.submit(row, item=item)
            assert answer.status_code in {200, 201}, answer.text
            return str(answer.json()["record"])

        def then(record: str) -> None:
            self.model.records[order] = Record(number=order, origin=origin, id=record, item=item, row=row)
            self.model.records[order].became("accepted")

        return Deed(at=origin, call=call, then=then)

    def again(self, number: str) -> Deed | None:
        """The same row once more: it is there already, and nothing comes of it."""
        record = self.model.records.get(int(number))
        if record is None or record.ended or not self._in_force(record.origin, record.item):
            return None

        async def call() -> None:
            answer = await self.mesh[record.origin].submit(record.row, item=record.item)
            assert answer.status_code == 200, answer.text
            assert answer.json()["record"] == record.id

        return Deed(at=record.origin, call=call, record=record)

    def correct(self, number: str) -> Deed | None:
        record = self._published(number)
        if record is None or not self._in_force(record.origin, record.item):
            return None
        row = record.row | {"CF_WFXW": f"第{record.corrections + 1}次更正"}

        def then(_: Any) -> None:
            record.row, record.corrections, record.corrected_since = row, record.corrections + 1, True

        said = {"fields": row, "reason": "error"}
        return self._by_party(record, "corrections", said, change="corrected", then=then)

    def withdraw(self, number: str) -> Deed | None:
        record = self._published(number)
        if record is None:
            return None
        return self._by_party(record, "withdrawal", {"reason": "revoked"}, change="withdrawn")

    # What subjects and officers do.

    def object(self, number: str) -> Deed | None:
        """The subject objects, and its objection is accepted."""
        record = self._published(number)
        if record is None or record.unsure or record.open_case("objection") or record.standing.mark:
            return None
        if not self._in_force(record.origin, record.item):
            return None
        return self._files(record, "objection", by="subject", change="marked")

    def refuse(self, number: str) -> Deed | None:
        record = self._published(number)
        case = None if record is None else record.open_case("objection")
        if record is None or case is None:
            return None
        return self._decides(record, case, {"action": "refuse", "reason": "属实"}, change="unmarked")

    def uphold(self, number: str) -> Deed | None:
        """The objection is right, and the record is withdrawn."""
        record = self._published(number)
        case = None if record is None else record.open_case("objection")
        if record is None or case is None:
            return None
        return self._decides(
            record, case, {"action": "approve", "remedy": "withdraw"}, change="withdrawn", decides=True
        )

    def settle(self, number: str) -> Deed | None:
        """The objection is right, and the record was corrected since."""
        record = self._published(number)
        case = None if record is None else record.open_case("objection")
        if record is None or case is None or not record.corrected_since:
            return None
        return self._decides(record, case, {"action": "approve", "remedy": "corrected"}, change="unmarked")

    def repair(self, number: str) -> Deed | None:
        record = self._published(number)
        if record is None or record.unsure or record.open_case("repair"):
            return None
        if not self._in_force(record.origin, record.item):
            return None
        basis = f"示市监修〔2026〕{number}号"
        return self._files(record, "repair", by="subject", change="repaired", approve={"basis": basis})

    def revoke(self, number: str) -> Deed | None:
        record = self.model.records.get(int(number))
        case = None if record is None else next((each for each in record.cases if each.ended), None)
        if record is None or case is None or case.revoked or not record.ended or record.unsure:
            return None

        def then(_: Any) -> None:
            case.revoked, case.ended = True, False

        said = {"action": "revoke", "reason": "整改材料系伪造", "basis": f"示市监撤〔2026〕{number}号"}
        return self._decides(record, case, said, change="reopened", then=then)

    def discharge(self, number: str) -> Deed | None:
        """Whom the record names has it repaired for themselves."""
        record = self._published(number)
        if record is None or record.unsure or record.discharged:
            return None
        if not self._in_force(record.origin, record.item):
            return None

        def then(_: Any) -> None:
            record.discharged = True

        basis = f"示信修〔2026〕{number}号"
        return self._files(record, "repair", by="boss", change="discharged", approve={"basis": basis}, then=then)

    # What operators do.

    def remove(self, code: str, peer: str) -> Deed | None:
        return self._peer(code, peer, active=False)

    def add(self, code: str, peer: str) -> Deed | None:
        return self._peer(code, peer, active=True)

    def _peer(self, code: str, peer: str, *, active: bool) -> Deed | None:
        party = self.mesh.chain[code].host.followed.party(peer)
        if party is None or party.active == active:
            return None

        def then(_: Any) -> None:
            self.model.peers += 1

        async def call() -> None:
            operator = self.mesh.chain[code].operator()
            peers = done(await operator.get("/v1/admin/peers"))["peers"]
            (row,) = [each for each in peers if each["code"] == peer]
            done(await operator.post("/v1/admin/peers", json={**row, "active": active}))

        return Deed(at=code, call=call, then=then)

    def copy(self, code: str) -> Deed | None:
        def then(_: Any) -> None:
            self.model.copied[code] = self._decided(code)

        return Deed(at=code, call=lambda: self.world.copy(code), then=then)

    def put_back(self, code: str) -> Deed | None:
        """The node's database is the copy again; what was decided there since would have to be decided once more."""
        if self.model.copied.get(code) != self._decided(code):
            return None

        def then(_: Any) -> None:
            del self.model.copied[code]
            tokens = self.mesh[code].tokens
            for name in [name for name in tokens if name.startswith(("boss", "subject")) and code == "nation"]:
                del tokens[name]

        return Deed(at=code, call=lambda: self.world.put_back(code), then=then)

    def _decided(self, code: str) -> tuple[int, int]:
        return self.model.decided_at(code), self.model.peers + (self.model.said if code == "nation" else 0)

    def offer(self, code: str, peer: str) -> Deed | None:
        if (peer, UP) not in set(self.world.links(code)):
            return None
        return Deed(at=code, call=lambda: self.world.offer(code, peer))

    # What the nation says of the item that changes.

    def narrow(self) -> Deed | None:
        return self._says("narrowed", 4) if self.model.item == "open" else None

    def withdraw_item(self) -> Deed | None:
        return self._says("withdrawn", 0) if self.model.item != "withdrawn" else None

    def publish(self) -> Deed | None:
        return self._says("open", 12) if self.model.item != "open" else None

    def _says(self, what: Any, months: int) -> Deed:
        def then(_: Any) -> None:
            self.model.item = what
            self.model.said += 1

        return Deed(at="nation", call=lambda: says(self.mesh, months), then=then)

    def _in_force(self, code: str, item: str) -> bool:
        """Whether a node takes rows of the item, and shows what they say."""
        cast = self.mesh[code]
        found = cast.node.host.followed.item(item, on=cast.today)
        return found is not None and found.display.general_months > 4

    # What nodes do.

    def pull(self, code: str, peer: str, feed: str, limit: str) -> Deed | None:
        if (peer, feed) not in set(self.world.links(code)):
            return None
        return Deed(at=code, call=lambda: self.world.pull(code, peer, feed, limit=int(limit)))

    def answer(self, code: str, peer: str) -> Deed | None:
        if peer not in {each for each, _ in self.world.links(code)}:
            return None
        return Deed(at=code, call=lambda: self.world.answer(code, peer))

    # Of the parts that several of them have.

    def _published(self, number: str) -> Record | None:
        record = self.model.records.get(int(number))
        return None if record is None or record.ended else record

    def _by_party(self, record: Record, path: str, said: Any, **more: Any) -> Deed:
        door, tag = self.mesh[record.origin].door("owner"), {"If-Match": f'"{record.rev}"'}

        async def call() -> None:
            done(await door.post(f"/v1/records/{record.id}/{path}", json=said, headers=tag))

        return Deed(at=record.origin, call=call, record=record, **more)

    def _files(self, record: Record, kind: Any, *, by: Any, change: str, approve: Any = None, then: Any = None) -> Deed:
        cast = self.mesh[record.origin]

        async def call() -> str:
            cast.tokens["subject"] = cast.tokens[f"{by} {record.number}"]
            case = await filed(cast, kind, record.id, content=f"{record.number} {record.rev}")
            if approve is not None:
                await act(cast, case, action="approve", **approve)
            return case

        def learnt(case: str) -> None:
            made = Case(id=case, kind=kind, by=by, decided=approve is not None, ended=change == "repaired")
            record.cases.append(made)
            record.corrected_since = False
            if then is not None:
                then(case)

        return Deed(at=record.origin, call=call, record=record, change=change, then=learnt, case=True)

    def _decides(self, record: Record, case: Case, said: Any, *, then: Any = None, **more: Any) -> Deed:
        cast = self.mesh[record.origin]

        def learnt(answer: Any) -> None:
            case.decided, case.ended = True, more["change"] == "withdrawn"
            if then is not None:
                then(answer)

        return Deed(
            at=record.origin, call=lambda: act(cast, case.id, **said), record=record, then=learnt, case=True, **more
        )


async def says(mesh: Mesh, months: int) -> None:
    """The nation says how long records of the item that changes are shown; no month: it is in the catalogue no more."""
    if months == 0:
        withdrawal = {"basis": "所依据的规定已废止", "effective": None}
        done(await mesh["nation"].door("office").post(f"/v1/catalogue/items/{CHANGING}/withdraw", json=withdrawal))
        return
    body = an_item(CHANGING, "nation")
    periods = dict.fromkeys(("minor_months", "general_months", "serious_months"), months)
    node = mesh.chain["nation"]
    async with node.context("catalogue") as ctx:
        entries = [entry_of("item", body | {"display": body["display"] | periods})]
        await catalogue.publish(ctx, entries, issued_by="nation", again=True)
    await node.settled()


def _boss(order: int) -> dict[str, str]:
    return {"CF_FR_ZJLX": "身份证", "CF_FR_ZJHM": resident(order)}
