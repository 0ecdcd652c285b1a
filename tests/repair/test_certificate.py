"""The propagation certificate: its lines from what holders answered, its completeness, and its signature."""

from base64 import b64decode
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from creditmesh.chassis.vault.keys import verified
from creditmesh.client.certificates import check
from creditmesh.schemas.acknowledgements import Acknowledgement, Proof
from creditmesh.schemas.cases import Certificate
from creditmesh.schemas.events import RecordChanged, RecordPurged
from creditmesh.schemas.signed import SignedText, said
from tests.repair.conftest import TODAY, House, department, office, person
from tests.repair.refusing import refused
from tests.repair.samples import AT, PEER, a_catalogue, a_holder, items, tell


def proof(*, by: str = "province", above: tuple[str, ...] | None = (), kept: tuple[int, ...] = ()) -> Proof:
    """What a node answered about entry 7, naming who stands above it."""
    given = Acknowledgement(
        feed="creditmesh/city/up", by=by, first=7, until=8, size=8, root="aa" * 32, at=AT, above=above, kept=kept,
        key="k", alg="ed25519",
    )  # fmt: skip
    signed = SignedText(signed=given.model_dump_json(), signature="eA==")
    return Proof(acknowledgement=signed, public="cA==", index=7, line="{}", path=("aa",))


PROOF = proof()


async def repaired(house: House, **more: Any) -> tuple[str, RecordChanged]:
    """A case that has ended its record with revision 2."""
    record = await house.record(**more)
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "approve", basis="示信修〔2026〕3号")
    await house.next_revision(record, "repaired", case=case)
    return case, record


async def all_told(house: House, record: RecordChanged, *above: str, change: str = "repaired") -> None:
    """The exchange has said whom it told of revision 2."""
    await house.holder(record, 2, holder="city", outcome="told", above=above, change=change)


async def signed_certificate(house: House, case: str, caller: Any = None) -> SignedText:
    answer = await house.get(f"/v1/cases/{case}/certificate", caller or office())
    assert answer.status_code == 200, answer.text
    return SignedText.model_validate(answer.json())


async def certificate(house: House, case: str, caller: Any = None) -> Certificate:
    return said(Certificate, await signed_certificate(house, case, caller))


async def test_there_is_none_until_the_revision_is_there(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "approve")
    refused(await house.get(f"/v1/cases/{case}/certificate", person(record.subject)), 404, "no_certificate")
    await house.next_revision(record, "repaired", case=case)
    for caller in (person(record.subject), department(), office()):
        assert (await certificate(house, case, caller)).rev == 2


async def test_it_says_what_happened_by_whom_and_names_nobody(house: House):
    case, record = await repaired(house)
    found = await certificate(house, case)
    assert (found.node, str(found.case), found.record) == ("city", case, record.record)
    assert (found.item, found.rev, found.change) == ("penalty", 2, "repaired")
    assert (found.decided_on, found.decided_by, found.basis) == (TODAY, "market", "示信修〔2026〕3号")
    text = (await signed_certificate(house, case)).signed
    assert str(record.subject) not in text
    assert "Officer Qin" not in text
    assert "罚款" not in text


async def test_each_holder_has_its_line_and_bureaus_are_told_when_they_ask(house: House):
    case, record = await repaired(house)
    last = datetime(2026, 5, 1, tzinfo=UTC)
    await house.holder(record, 2, outcome="acknowledged", proof=PROOF)
    await house.holder(record, 2, holder="nation", outcome="refused", code="unknown_item")
    await house.holder(record, 2, holder="transport", kind="department", outcome="acknowledged", task=record.record)
    await house.holder(
        record, 2, holder="alpha_credit", kind="bureau", outcome="unreachable", last_access=last,
        use_until=date(2026, 6, 1),
    )  # fmt: skip
    await house.holder(record, 1, holder="elsewhere", outcome="told")
    await all_told(house, record)
    found = await certificate(house, case)
    lines = {line.holder: line for line in found.lines}
    assert set(lines) == {"province", "nation", "transport", "alpha_credit"}
    assert lines["province"].proof == PROOF
    assert (lines["nation"].outcome, lines["nation"].code) == ("refused", "unknown_item")
    assert (lines["transport"].outcome, lines["transport"].task) == ("acknowledged", record.record)
    bureau = lines["alpha_credit"]
    assert (bureau.reachable, bureau.last_access, bureau.use_until) == (False, last, date(2026, 6, 1))
    assert "when it next asks" in bureau.note
    assert "下次查询" in bureau.note_zh
    assert (found.complete, found.pending) == (False, ("nation",)), "what refused an end shows the record"
    await house.holder(record, 2, holder="nation", outcome="acknowledged", proof=proof(by="nation"))
    found = await certificate(house, case)
    assert (found.complete, found.pending) == (True, ())


async def test_it_is_complete_when_every_node_and_department_has_answered(house: House):
    case, record = await repaired(house)
    await all_told(house, record, "province")
    await house.holder(record, 2, holder="transport", kind="department")
    await house.holder(record, 2, holder="alpha_credit", kind="bureau", outcome="unreachable")
    found = await certificate(house, case)
    assert (found.complete, set(found.pending)) == (False, {"province", "transport"})
    outcomes = {line.holder: line.outcome for line in found.lines if line.holder in found.pending}
    assert outcomes == {"province": "not_told", "transport": "told"}
    await house.holder(record, 2, outcome="acknowledged")
    assert (await certificate(house, case)).pending == ("transport",)
    await house.holder(record, 2, holder="transport", kind="department", outcome="acknowledged")
    assert (await certificate(house, case)).complete


async def test_a_node_above_that_was_not_told_yet_is_pending(house: House):
    house.follow(a_catalogue(peers=[PEER]))
    case, record = await repaired(house)
    found = await certificate(house, case)
    assert [(line.holder, line.outcome) for line in found.lines] == [("city", "not_told"), ("province", "not_told")]
    assert (found.complete, found.pending) == (False, ("city", "province"))
    assert all(line.note and line.note_zh for line in found.lines)
    await house.holder(record, 2, outcome="acknowledged", proof=PROOF)
    assert (await certificate(house, case)).pending == ("city",)
    await all_told(house, record, "province")
    assert (await certificate(house, case)).complete


async def test_nothing_is_complete_before_the_exchange_has_said_whom_it_told(house: House):
    case, record = await repaired(house)
    found = check(await signed_certificate(house, case))
    assert (found.complete, found.pending) == (False, ("city",)), "who holds it is not known yet"
    await house.holder(record, 2, holder="transport", kind="department")
    await all_told(house, record)
    assert (await certificate(house, case)).pending == ("transport",)
    await house.holder(record, 2, holder="transport", kind="department", outcome="acknowledged")
    assert check(await signed_certificate(house, case)).complete


@pytest.mark.parametrize("told", [False, True])
async def test_a_node_above_that_was_taken_out_owes_an_answer_as_before(house: House, *, told: bool):
    directory = a_catalogue(peers=[PEER])
    house.follow(directory)
    case, record = await repaired(house)
    if told:
        await all_told(house, record, "province")
    tell(directory, "party", PEER.model_copy(update={"active": False}))
    found = check(await signed_certificate(house, case))
    assert (found.complete, found.above) == (False, ("province",))
    assert "province" in found.pending


async def test_whom_an_older_version_guessed_to_hold_it_owes_no_answer(house: House):
    house.follow(a_catalogue(peers=[PEER]))
    case, record = await repaired(house)
    await house.holder(record, 2, holder="nation")
    await all_told(house, record, "province")
    await house.holder(record, 2, outcome="acknowledged", proof=proof(above=("nation",), kept=(7,)))
    found = await certificate(house, case)
    assert (found.complete, [line.holder for line in found.lines]) == (True, ["province"])


async def test_an_answer_that_does_not_say_who_stands_above_leaves_it_incomplete(house: House):
    case, record = await repaired(house)
    await all_told(house, record, "province")
    await house.holder(record, 2, outcome="acknowledged", proof=proof(above=None))
    found = await certificate(house, case)
    assert (found.complete, found.pending) == (False, ("city",))
    await house.holder(record, 2, outcome="acknowledged", at=LATEST, proof=proof(above=None, kept=(7,)))
    assert (await certificate(house, case)).complete, "it has sent it to nobody"


async def test_of_a_record_that_was_deleted_here_nothing_is_complete(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "approve", basis="示信修〔2026〕3号")
    await house.hear(RecordPurged(record=record.record, subject=record.subject, item=record.item))
    found = check(await signed_certificate(house, case, department()))
    assert (found.change, found.complete, found.pending) == ("deleted", False, ("city",))


async def test_of_a_record_that_was_sent_to_nobody_no_node_above_owes_an_answer(house: House):
    house.follow(a_catalogue(peers=[PEER]))
    case, record = await repaired(house, item="local")
    assert (await certificate(house, case)).pending == ("city", "province"), "until the exchange says that it was not"
    await house.holder(record, 2, holder="city", outcome="unshared")
    found = await certificate(house, case)
    assert (found.above, found.lines, found.complete) == ((), (), True)


async def test_who_is_named_above_a_node_that_answered_owes_an_answer_until_it_is_there(house: House):
    house.follow(a_catalogue(peers=[PEER]))
    case, record = await repaired(house)
    await all_told(house, record, "province")
    await house.holder(record, 2, outcome="acknowledged", proof=proof(above=("nation", "city")))
    found = await certificate(house, case)
    assert (found.above, found.complete, found.pending) == (("province",), False, ("nation",))
    assert {line.holder: line.outcome for line in found.lines} == {"province": "acknowledged", "nation": "not_told"}
    await house.holder(record, 2, holder="nation", outcome="acknowledged", proof=proof(by="nation"))
    assert (await certificate(house, case)).complete


async def test_nobody_owes_an_answer_above_a_node_that_passed_the_record_on_to_nobody(house: House):
    house.follow(a_catalogue(peers=[PEER]))
    case, record = await repaired(house)
    await all_told(house, record, "province")
    await house.holder(record, 2, outcome="acknowledged", proof=proof(above=("nation",), kept=(7,)))
    assert (await certificate(house, case)).complete


async def test_a_node_above_is_asked_for_although_the_item_was_withdrawn_since(house: House):
    directory = a_catalogue(peers=[PEER])
    house.follow(directory)
    case, record = await repaired(house)
    await all_told(house, record, "province")
    tell(directory, "item", items()[0], state="withdrawn", on=house.equipment.clock.legal_date())
    assert (await certificate(house, case)).pending == ("province",)


@pytest.mark.parametrize("outcome", ["acknowledged", "refused"])
@pytest.mark.parametrize("first", [True, False])
async def test_this_node_itself_answers_nothing_whatever_is_told_of_it(house: House, outcome: str, *, first: bool):
    case, record = await repaired(house)
    forged = {"holder": "city", "outcome": outcome, "proof": proof(by="city"), "at": AT + timedelta(hours=1)}
    if first:
        await house.holder(record, 2, **forged)
    await all_told(house, record, "province")
    if not first:
        await house.holder(record, 2, **forged)
    found = check(await signed_certificate(house, case))
    assert (found.above, found.complete, found.pending) == (("province",), False, ("province",))


LATER, LATEST = AT + timedelta(hours=1), AT + timedelta(hours=2)


@pytest.mark.parametrize(
    ("kind", "first", "second", "stands"),
    [
        ("department", ("told", AT), ("acknowledged", LATER), ("acknowledged", LATER)),
        ("department", ("acknowledged", AT), ("told", LATER), ("told", LATER)),
        ("department", ("acknowledged", LATER), ("told", AT), ("told", AT)),
        ("node", ("acknowledged", AT), ("told", LATER), ("acknowledged", AT)),
        ("node", ("refused", AT), ("acknowledged", LATER), ("acknowledged", LATER)),
        ("node", ("acknowledged", LATER), ("refused", AT), ("acknowledged", LATER)),
        ("bureau", ("unreachable", LATER), ("unreachable", AT), ("unreachable", LATER)),
        ("bureau", ("unreachable", AT), ("unreachable", LATEST), ("unreachable", LATEST)),
    ],
)
@pytest.mark.parametrize("batched", [False, True])
async def test_what_a_node_answered_is_not_undone_and_of_a_department_the_newest_stands(
    house: House, kind: str, first: Any, second: Any, stands: Any, *, batched: bool
):
    """A department that has lifted one measure may be known to have applied another, whose event was read later."""
    case, record = await repaired(house)
    await all_told(house, record)
    proof = {"proof": PROOF} if kind == "node" else {}
    who = {"holder": "province" if kind == "node" else "transport", "kind": kind, **proof}
    events = [a_holder(record, 2, outcome=outcome, at=at, **who) for outcome, at in (first, second)]
    if batched:
        await house.hear(*events)
    else:
        for event in events:
            await house.hear(event)
    (line,) = (await certificate(house, case)).lines
    assert (line.outcome, line.at) == stands


async def test_the_signature_holds_for_every_byte(house: House):
    case, record = await repaired(house)
    await house.holder(record, 2, outcome="acknowledged", proof=PROOF)
    signed = await signed_certificate(house, case)
    found = said(Certificate, signed)
    public, signature = b64decode(found.public), b64decode(signed.signature)
    assert (found.alg, found.key) == ("ed25519", house.equipment.keys.key_id("node"))
    assert public == house.equipment.keys.public("node").raw
    text = signed.signed.encode()
    assert verified(text, signature, public=public)
    for at in range(len(text)):
        assert not verified(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :], signature, public=public)


async def test_a_mark_has_a_certificate_and_then_what_was_decided_has(house: House):
    record = await house.record()
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    marked = await house.next_revision(record, "marked", mark="disputed", case=case)
    await all_told(house, record, "province", change="marked")
    found = await certificate(house, case)
    assert (found.rev, found.change, [line.holder for line in found.lines]) == (2, "marked", ["province"])
    await house.acted(case, department(), "approve", remedy="withdraw", basis="示市监撤销〔2026〕1号")
    assert (await certificate(house, case)).rev == 2
    await house.next_revision(marked, "withdrawn", case=case)
    found = await certificate(house, case)
    assert (found.rev, found.change, found.pending) == (3, "withdrawn", ("city",))
    assert found.basis == "示市监撤销〔2026〕1号"


async def test_reading_it_is_an_access(house: House):
    case, record = await repaired(house)
    before = len(await house.accesses_of(record.subject))
    await certificate(house, case, department())
    (access,) = (await house.accesses_of(record.subject))[before:]
    assert (access["purpose"], access["ground"], access["outcome"]) == ("case", "statutory", "released")
