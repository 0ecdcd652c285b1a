"""Steps about records: what departments, subjects and officers do at the node where a record began."""

from typing import Any

from tests.histories.deed import Deed, in_force
from tests.histories.model import CHANGING, Case, Model, Record
from tests.journeys.mesh import Mesh, act, done, enterprise, filed
from tests.support.cast import ISSUER, ITEM, resident, uscc

_ISSUERS = {"city": ISSUER, "province": "11990000000010022D"}


class Deciding:
    """Each public method is a step, by its words; None where it cannot be taken."""

    def __init__(self, mesh: Mesh, model: Model) -> None:
        self.mesh, self.model = mesh, model

    # What departments do.

    def submit(self, number: str, origin: str) -> Deed | None:
        order = int(number)
        if order in self.model.records:
            return None
        cast = self.mesh[origin]
        issuer = {"CF_CFJGDM": _ISSUERS[origin], "CF_SJLYDM": _ISSUERS[origin]}
        row = enterprise(cast, f"示市监罚〔2026〕{order}号", order, **_boss(order), **issuer)

        item = CHANGING if order % 3 == 0 else ITEM
        if not in_force(cast, item):
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
        if record is None or record.ended or not in_force(self.mesh[record.origin], record.item):
            return None

        async def call() -> None:
            answer = await self.mesh[record.origin].submit(record.row, item=record.item)
            assert answer.status_code == 200, answer.text
            assert answer.json()["record"] == record.id

        return Deed(at=record.origin, call=call, record=record)

    def correct(self, number: str) -> Deed | None:
        record = self._published(number)
        if record is None or not in_force(self.mesh[record.origin], record.item):
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
        if not in_force(self.mesh[record.origin], record.item):
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
        if not in_force(self.mesh[record.origin], record.item):
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
        if not in_force(self.mesh[record.origin], record.item):
            return None

        def then(_: Any) -> None:
            record.discharged = True

        basis = f"示信修〔2026〕{number}号"
        return self._files(record, "repair", by="boss", change="discharged", approve={"basis": basis}, then=then)

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


def _boss(order: int) -> dict[str, str]:
    return {"CF_FR_ZJLX": "身份证", "CF_FR_ZJHM": resident(order)}
