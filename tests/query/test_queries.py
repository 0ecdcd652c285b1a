"""A query: what is released, what is withheld, how long it may be used, and the log of the person concerned."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.bus.event import part_of
from creditmesh.schemas.events import AccessRecorded, DisclosedToBureau
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity, identify
from creditmesh.schemas.rules.numbers import organisation_check, resident_check, uscc_check
from tests.query.asking import ask, authorised, by_authorisation, by_matter, get, penalty, somebody
from tests.query.conftest import (
    ITEMS,
    REAL,
    House,
    a_trader,
    an_organisation,
    bureau,
    department,
    invented_person,
    person,
    the_same_as_a_company,
)
from tests.query.samples import a_directory, a_record, an_item

ACCESSES = "select data from query.access"


async def test_a_department_with_a_matter_reads_what_the_matter_lists(catalogue: House):
    identity, subject = await somebody(catalogue)
    fine, licence = penalty(subject, mark="disputed"), penalty(subject, item="licence", display_until=date(2026, 5, 9))
    await catalogue.load(fine, licence)
    answer = await by_matter(catalogue, identity)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {each["record"] for each in body["released"]} == {str(fine.record), str(licence.record)}
    assert body["marks"] == [{"record": str(fine.record), "mark": "disputed"}]
    assert body["withheld"] == []
    assert (body["as_of"], body["use_until"]) == ("2026-05-04", "2026-05-09")
    assert answer.headers["cache-control"] == "no-store"

    narrow = (await by_matter(catalogue, identity, matter="narrow", items=["penalty", "licence"])).json()
    assert [each["item"] for each in narrow["released"]] == ["penalty"]
    assert [(each["item"], each["code"]) for each in narrow["withheld"]] == [("licence", "outside_matter")]

    log = await catalogue.log_of(subject)
    assert [line["access"] for line in log] == [narrow["decision_id"], body["decision_id"]]
    assert log[1] | {"at": None} == {
        "access": body["decision_id"], "at": None, "caller": "department", "party": "permits_office",
        "officer": "W-17", "purpose": "duty", "matter": "permit", "ground": "statutory", "authorisation": None,
        "outcome": "released", "reason": None, "repeats": None, "items": ["licence", "penalty"],
        "records": log[1]["records"], "use_until": "2026-05-09", "node": None, "looked_at": None,
    }  # fmt: skip
    assert set(log[1]["records"]) == {str(fine.record), str(licence.record)}


async def test_sealed_fields_about_the_subject_are_opened_and_others_are_masked(catalogue: House):
    identity, subject = await somebody(catalogue)
    boss = await catalogue.subject(invented_person())
    ciphers = await catalogue.equipment.vault.open([subject, boss])
    record = uuid4()
    sealed = (
        ciphers[subject].seal({"NAME": "沈沙盒", "ID": "990000196001010011"}, object=record, field="subject"),
        ciphers[boss].seal({"BOSS": "殷沙盒"}, object=record, field="representative"),
    )
    await catalogue.load(penalty(subject, record=record, sealed=[each.model_dump() for each in sealed]))
    (released,) = (await by_matter(catalogue, identity)).json()["released"]
    assert released["fields"]["NAME"] == "沈沙盒"
    assert released["fields"]["BOSS"] == "殷**"
    assert list(released["fields"]) == ["NAME", "ID", "BOSS", "DOC"]
    (line,) = await catalogue.log_of(boss)
    assert (line["party"], line["officer"], line["matter"], line["outcome"], line["records"]) == (
        "permits_office", "W-17", "permit", "released", [str(record)],
    )  # fmt: skip
    async with catalogue.client(person(subject)) as client:
        await client.get("/v1/me/file")
    assert [line["purpose"] for line in await catalogue.log_of(boss)] == ["own_file", "duty"]


async def test_who_is_not_shown_at_all_has_no_access(catalogue: House):
    identity, subject = await somebody(catalogue)
    boss = await catalogue.subject(invented_person())
    cipher, record = (await catalogue.equipment.vault.open([boss]))[boss], uuid4()
    hidden = cipher.seal({"BOSS_NUMBER": "990000196001010011"}, object=record, field="representative")
    await catalogue.load(penalty(subject, record=record, sealed=[hidden.model_dump()]))
    await by_matter(catalogue, identity)
    assert await catalogue.log_of(boss) == []


async def test_the_access_says_until_when_what_was_released_may_be_used(catalogue: House):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject, display_until=date(2026, 5, 9)))
    answers = [await by_matter(catalogue, identity), await by_matter(catalogue, identity, items=["licence"])]
    answers.append(await by_authorisation(catalogue, identity, await authorised(catalogue, subject)))
    async with catalogue.database.session() as session:
        told = [AccessRecorded.model_validate_json(each["data"]) for each in await session.fetch(ACCESSES)]
    kept = {each.access: each for each in told if each.subject == subject}
    released, nothing, lent = [kept[UUID(answer.json()["decision_id"])] for answer in answers]
    assert (released.outcome, released.use_until) == ("released", date(2026, 5, 9))
    assert (lent.caller, lent.use_until) == ("bureau", date(2026, 5, 9))
    assert (nothing.outcome, nothing.use_until) == ("nothing", None)


async def test_what_a_bureau_was_given_is_told_beside_its_access_and_nothing_else_is(catalogue: House):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject, display_until=date(2026, 5, 9))
    await catalogue.load(fine)
    given = await authorised(catalogue, subject)
    answer = (await by_authorisation(catalogue, identity, given)).json()
    await by_authorisation(catalogue, identity, given, items=["licence"])
    await by_authorisation(catalogue, identity, str(subject))
    await by_matter(catalogue, identity)
    async with catalogue.database.session() as session:
        rows = await session.fetch("select id, type, data from bus.event where key = $1", str(subject))
        queued = await session.fetchval("select type from bus.event_queue where event = $1", rows[0]["id"])
    [told] = [DisclosedToBureau.model_validate_json(row["data"]) for row in rows]
    assert queued == told.type
    assert told == DisclosedToBureau(
        access=answer["decision_id"], subject=subject, party="bureau_a", records=(fine.record,),
        use_until=date(2026, 5, 9),
    )  # fmt: skip


async def test_an_answer_is_not_used_beyond_the_announced_withdrawal_of_its_item(catalogue: House):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject), penalty(subject, item="licence"))
    assert (await by_matter(catalogue, identity)).json()["use_until"] == "2026-06-03"
    catalogue.follow(a_directory(ITEMS, withdrawn={"penalty": date(2026, 5, 20)}))
    answer = (await by_matter(catalogue, identity)).json()
    assert (answer["use_until"], len(answer["released"])) == ("2026-05-20", 2)
    assert (await by_matter(catalogue, identity, items=["licence"])).json()["use_until"] == "2026-06-03"
    catalogue.on(date(2026, 5, 20))
    assert [each["item"] for each in (await by_matter(catalogue, identity)).json()["released"]] == ["licence"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"purpose": "loan"}, "no_ground.purpose"),
        ({"purpose": "curiosity"}, "no_ground.purpose"),
        ({"matter": None}, "no_ground.matter"),
        ({"matter": "unheard_of"}, "no_ground.matter"),
        ({"caller": department("library")}, "no_ground.duty"),
        ({"officer": None}, "no_ground.officer"),
    ],
)
async def test_a_department_without_a_lawful_ground_is_refused_and_the_person_sees_it(catalogue, change, reason):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject))
    answer = await by_matter(catalogue, identity, **change)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_ground")
    assert answer.json()["detail"]
    assert answer.json()["detail_zh"]
    (line,) = await catalogue.log_of(subject)
    assert (line["outcome"], line["reason"], line["records"]) == ("refused", reason, [])


async def test_a_bureau_names_an_officer_before_anything_is_said_of_its_authorisation(catalogue: House):
    identity, subject = await somebody(catalogue)
    for authorisation in (await authorised(catalogue, subject), str(uuid4()), None):
        answer = await by_authorisation(catalogue, identity, authorisation, officer=None)
        assert (answer.status_code, answer.json()["code"]) == (403, "no_ground")
        assert answer.json()["detail_zh"]
    lines = await catalogue.log_of(subject)
    assert [(line["outcome"], line["reason"]) for line in lines] == [("refused", "no_ground.officer")] * 3
    own = bureau(officer="B-7")
    given = await authorised(catalogue, subject)
    assert (await by_authorisation(catalogue, identity, given, caller=own, officer=None)).status_code == 200
    assert (await catalogue.log_of(subject))[0]["officer"] == "B-7"


async def test_an_officers_own_token_says_who_asks(catalogue: House):
    identity, subject = await somebody(catalogue)
    caller = department(officer="officer-9")
    assert (await by_matter(catalogue, identity, caller=caller, officer="somebody else")).status_code == 200
    assert [line["officer"] for line in await catalogue.log_of(subject)] == ["officer-9"]


async def test_asking_about_a_person_without_a_file_is_kept_for_them(catalogue: House):
    identity = invented_person()
    nothing = await by_matter(catalogue, identity)
    refused = await by_authorisation(catalogue, identity, str(uuid4()))
    assert (nothing.status_code, nothing.json()["released"], refused.status_code) == (200, [], 403)
    log = await catalogue.log_of(await catalogue.subject(identity))
    assert [line["outcome"] for line in log] == ["refused", "nothing"]


async def test_a_bureau_reads_under_an_authorisation_and_no_longer_once_it_is_taken_back(catalogue: House):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject)
    await catalogue.load(fine)
    assert (await by_authorisation(catalogue, identity, None)).status_code == 403
    authorisation = await authorised(catalogue, subject)
    answer = await by_authorisation(catalogue, identity, authorisation)
    assert [each["record"] for each in answer.json()["released"]] == [str(fine.record)]
    assert answer.json()["use_until"] == "2026-05-24"
    async with catalogue.client(person(subject)) as client:
        assert (await client.delete(f"/v1/me/authorisations/{authorisation}")).status_code == 204
        assert (await client.delete(f"/v1/me/authorisations/{authorisation}")).status_code == 204
    assert (await by_authorisation(catalogue, identity, authorisation)).status_code == 403
    assert [line["outcome"] for line in await catalogue.log_of(subject)] == ["refused", "released", "refused"]


async def somebody_else(house: House, subject: UUID) -> UUID:
    """A person whose file stands in the same part: nothing but the person tells the two apart."""
    parts = house.equipment.node.parts
    while True:
        _, other = await somebody(house)
        if part_of(str(other), parts) == part_of(str(subject), parts):
            return other


async def test_every_way_of_having_no_authorisation_reads_the_same(catalogue: House):
    identity, subject = await somebody(catalogue)
    other = await somebody_else(catalogue, subject)
    theirs = await authorised(catalogue, subject, bureau="bureau_b")
    ended = await authorised(catalogue, subject, valid_from="2026-05-04", valid_until="2026-05-05")
    later = await authorised(catalogue, subject, valid_from="2026-05-10")
    about_another = await authorised(catalogue, other)
    mine = await authorised(catalogue, subject, max_uses=1)
    assert (await by_authorisation(catalogue, identity, mine)).status_code == 200
    catalogue.on(date(2026, 5, 5))
    refusals = [
        await by_authorisation(catalogue, identity, claimed, **more)
        for claimed, more in [
            (str(uuid4()), {}), (theirs, {}), (ended, {}), (later, {}), (about_another, {}), (mine, {}),
            (mine, {"purpose": "hiring"}), (None, {}), (None, {"matter": "permit", "purpose": "duty"}),
        ]
    ]  # fmt: skip
    assert {answer.status_code for answer in refusals} == {403}
    assert len({answer.text for answer in refusals}) == 1
    log = await catalogue.log_of(subject)
    assert [line["outcome"] for line in log] == ["refused"] * len(refusals) + ["nothing"]
    (line,) = await catalogue.log_of(other)
    assert (line["outcome"], line["reason"], line["authorisation"], line["party"], line["officer"]) == (
        *("refused", "no_authorisation", about_another, "bureau_a"),
        "B-3",
    ), "who gave it finds that it was tried on somebody else"


async def authorised_while_open(house: House, subject: UUID) -> str:
    """Given while licences were open to whom a person authorises; today they are shared within government only."""
    house.follow(a_directory([an_item("penalty"), an_item("licence")]))
    given = await authorised(house, subject, items=["penalty", "licence"])
    house.follow(a_directory(ITEMS))
    return given


async def test_a_bureau_cannot_tell_no_record_from_may_not_know(catalogue: House):
    with_record, subject = await somebody(catalogue)
    without, other = await somebody(catalogue)
    await catalogue.load(penalty(subject, item="licence"))  # government sharing only for persons
    answers = [
        (await by_authorisation(catalogue, identity, await authorised_while_open(catalogue, who))).json()
        | {"decision_id": None}
        for identity, who in ((with_record, subject), (without, other))
    ]
    assert answers[0] == answers[1]
    assert [each["item"] for each in answers[0]["withheld"]] == ["penalty", "licence"]


@pytest.mark.parametrize(("wrong", "code"), [("licence", "item_not_authorised"), ("no_such_item", "unknown_item")])
async def test_a_slip_in_the_items_is_named_and_uses_up_nothing_of_the_permission(catalogue: House, wrong, code):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject))
    given = await authorised(catalogue, subject)
    answer = await by_authorisation(catalogue, identity, given, items=["penalty", wrong], key=f"slip {wrong}")
    assert (answer.status_code, answer.json()["code"]) == (422, "item_not_authorised")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/items/1", code)
    assert "penalty" in error["detail"]
    assert "penalty" in error["detail_zh"]
    async with catalogue.database.session() as session:
        told = [AccessRecorded.model_validate_json(each["data"]) for each in await session.fetch(ACCESSES)]
    assert [each.reason for each in told if each.subject == subject and each.outcome == "refused"] == [
        "item_not_authorised"
    ]
    assert (await get(catalogue, bureau(), f"/v1/authorisations/{given}")).json()["uses"] == 0
    right = await by_authorisation(catalogue, identity, given, items=["penalty"], key=f"slip {wrong}")
    assert [each["item"] for each in right.json()["released"]] == ["penalty"], "the key was not used up either"
    assert (await get(catalogue, bureau(), f"/v1/authorisations/{given}")).json()["uses"] == 1


async def test_a_query_of_which_nothing_may_be_looked_at_uses_up_nothing(catalogue: House):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject))
    given, narrow = await authorised(catalogue, subject), bureau(items=frozenset({"licence"}))
    answer = await by_authorisation(catalogue, identity, given, caller=narrow)
    assert (answer.status_code, answer.json()["released"]) == (200, [])
    assert (await get(catalogue, bureau(), f"/v1/authorisations/{given}")).json()["uses"] == 0


async def test_a_credential_limited_to_items_reads_no_other(catalogue: House):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject), penalty(subject, item="licence"))
    body = (await by_matter(catalogue, identity, caller=department(items=frozenset({"licence"})))).json()
    assert [each["item"] for each in body["released"]] == ["licence"]
    assert [(each["item"], each["code"]) for each in body["withheld"]] == [("penalty", "outside_credential")]
    assert (body["partial"], body["out_of_reach"]) == (True, ["penalty"])
    whole = (await by_matter(catalogue, identity)).json()
    assert (whole["partial"], whole["out_of_reach"]) == (False, [])


async def test_a_bureaus_narrow_credential_makes_its_answer_partial_whatever_there_is(catalogue: House):
    narrow = bureau(items=frozenset({"penalty"}))
    for loaded in (False, True):
        identity, subject = await somebody(catalogue)
        if loaded:
            await catalogue.load(penalty(subject, item="licence"))
        given = await authorised_while_open(catalogue, subject)
        body = (await by_authorisation(catalogue, identity, given, caller=narrow)).json()
        assert (body["released"], body["partial"], body["out_of_reach"]) == ([], True, ["licence"])


@pytest.mark.parametrize("by", ["matter", "authorisation"])
async def test_a_repeated_query_gives_nothing_that_the_first_answer_did_not(catalogue: House, by):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject, display_until=date(2026, 5, 20))
    await catalogue.load(fine)
    authorisation = await authorised(catalogue, subject, max_uses=1)

    async def again():
        if by == "matter":
            return (await by_matter(catalogue, identity, key=f"n-{subject}")).json()
        return (await by_authorisation(catalogue, identity, authorisation, key=f"n-{subject}")).json()

    first = await again()
    await catalogue.load(penalty(subject), penalty(subject, record=fine.record, rev=2, display_until=date(2026, 12, 1)))
    second = await again()
    (released,) = second["released"]
    assert (released["record"], released["display_until"]) == (str(fine.record), "2026-12-01")
    assert second["use_until"] == first["use_until"] == "2026-05-20"
    line, _ = await catalogue.log_of(subject)
    assert line["records"] == [str(fine.record)]


async def test_an_answer_is_repeated_for_a_day_and_then_refused_and_the_person_sees_it(catalogue: House):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject))
    authorisation = await authorised(catalogue, subject, max_uses=2)
    await by_authorisation(catalogue, identity, authorisation, key=f"d-{subject}")
    for kept, status in ((timedelta(hours=23), 200), (timedelta(hours=25), 409)):
        async with catalogue.database.session() as session:
            await session.execute("update query.idempotency set at = $1 where key = $2", REAL - kept, f"d-{subject}")
        answer = await by_authorisation(catalogue, identity, authorisation, key=f"d-{subject}")
        assert answer.status_code == status
    assert (answer.json()["code"], bool(answer.json()["detail_zh"])) == ("replay_over", True)
    line, *_ = await catalogue.log_of(subject)
    assert (line["outcome"], line["reason"], line["records"]) == ("refused", "replay_over", [])
    assert (await by_authorisation(catalogue, identity, authorisation, key="another")).status_code == 200


async def test_a_repeated_query_keeps_its_decision_uses_up_nothing_and_is_judged_and_logged_again(catalogue: House):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject)
    await catalogue.load(fine)
    authorisation = await authorised(catalogue, subject, max_uses=1)
    first = await by_authorisation(catalogue, identity, authorisation, key=f"k-{subject}")
    again = await by_authorisation(catalogue, identity, authorisation, key=f"k-{subject}")
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    await catalogue.load(penalty(subject, record=fine.record, rev=2, state="repaired", change="repaired"))
    gone = await by_authorisation(catalogue, identity, authorisation, key=f"k-{subject}")
    assert (gone.json()["decision_id"], gone.json()["released"]) == (first.json()["decision_id"], [])
    other = await by_authorisation(catalogue, identity, authorisation, key=f"k-{subject}", items=["penalty"])
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    log = await catalogue.log_of(subject)
    assert [line["outcome"] for line in log] == ["nothing", "released", "released"]
    assert [line["repeats"] for line in log] == [first.json()["decision_id"]] * 2 + [None]
    async with catalogue.client(person(subject)) as client:
        await client.delete(f"/v1/me/authorisations/{authorisation}")
    assert (await by_authorisation(catalogue, identity, authorisation, key=f"k-{subject}")).status_code == 403


async def test_a_refused_query_gives_its_idempotency_key_no_free_use(catalogue: House):
    identity, subject = await somebody(catalogue)
    authorisation = await authorised(catalogue, subject, max_uses=1)
    assert (await by_authorisation(catalogue, identity, authorisation)).status_code == 200
    for _ in range(2):
        assert (await by_authorisation(catalogue, identity, authorisation, key=f"r-{subject}")).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"purpose": "duty", "surplus": 1}, "/surplus"),
        ({"purpose": "NOT A CODE"}, "/purpose"),
        ({"purpose": "loan", "authorisation": "x"}, "/authorisation"),
        ({"purpose": "duty", "items": []}, "/items"),
        ({"purpose": "duty", "subject": {"kind": "natural_person"}}, "/subject/document"),
    ],
)
async def test_a_body_that_breaks_the_contract_names_the_field(catalogue: House, body, pointer):
    answer = await ask(catalogue, department(), invented_person(), **body)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_nine_characters_find_whom_a_node_of_before_knows_and_make_nobody(
    catalogue: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(catalogue.equipment.vault, "upgraded", True)
    body = "MA9000XY"
    code = f"91990000{body}{organisation_check(body)}"
    code += uscc_check(code)
    found = []
    async with catalogue.client(department()) as client:
        for number in (code[8:17], code, code[8:17]):
            subject = {"kind": "organisation", "document": {"type": "uscc", "number": number}}
            asked = {"subject": subject, "purpose": "duty", "matter": "permit", "officer": "W-17"}
            found.append(await client.post("/v1/queries", json=asked))
    assert [each.status_code for each in found] == [422, 200, 200]
    (error,) = found[0].json()["errors"]
    assert (error["code"], error["pointer"]) == ("whole_code_needed", "/subject/document/number")


@pytest.mark.parametrize("number", ["12", "", "00000000000000000X", "沈沙盒", "99000019600101001\u0001"])
async def test_a_number_that_is_none_is_refused_without_being_echoed(catalogue: House, number):
    subject = {"kind": "organisation", "document": {"type": "uscc", "number": number}}
    async with catalogue.client(department()) as client:
        answer = await client.post("/v1/queries", json={"subject": subject, "purpose": "duty", "matter": "permit"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_identity")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/subject/document/number"]
    assert not number or number not in answer.text


@pytest.mark.parametrize(
    ("kind", "document", "number"),
    [
        ("organisation", "uscc", "92990000MA0000019"),
        ("sole_trader", "uscc", "91990000MA0000019"),
        ("natural_person", "uscc", "91990000MA0000019"),
        ("organisation", "registration", "990000612345678"),
        ("organisation", "resident_id", "99000019850412001"),
        ("sole_trader", "passport", "E12345678"),
    ],
)
async def test_a_slip_of_the_kind_is_refused_and_never_answered_with_nothing(
    catalogue: House, kind: str, document: str, number: str
):
    if document == "uscc":
        number += uscc_check(number)
    elif document == "resident_id":
        number += resident_check(number)
    subject = {"kind": kind, "document": {"type": document, "number": number}}
    async with catalogue.client(department()) as client:
        answer = await client.post("/v1/queries", json={"subject": subject, "purpose": "duty", "matter": "permit"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_identity")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/subject/kind", "kind_number_mismatch")
    assert "row" not in error["detail"], "who asks has no row and waits for no officer"
    assert "审核" not in error["detail_zh"]


async def test_a_doubtful_number_that_nobody_is_known_by_is_refused_and_never_answered_with_nothing(catalogue: House):
    first = f"91990000{987_654_321:09d}"
    number = first + ("0" if uscc_check(first) != "0" else "1")
    subject = {"kind": "organisation", "document": {"type": "uscc", "number": number}}
    question = {"subject": subject, "purpose": "duty", "matter": "permit", "officer": "W-17"}
    async with catalogue.client(department()) as client:
        for _ in range(2):
            answer = await client.post("/v1/queries", json=question)
            assert (answer.status_code, answer.json()["code"]) == (422, "unusable_identity")
            assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
                ("/subject/document/number", "doubtful_number")
            ]
        found = identify("organisation", "uscc", number)
        assert isinstance(found, Identity)
        (subject,) = await catalogue.equipment.vault.resolve([found])
        assert (await client.post("/v1/queries", json=question)).status_code == 422, "a row was held, or somebody asked"
        await catalogue.know(subject, "organisation")
        assert (await client.post("/v1/queries", json=question)).status_code == 200, "genuine, as an officer decided"


async def test_without_a_ground_nobody_learns_whom_a_node_knows_by_a_doubtful_number(catalogue: House):
    known, unknown = (slipped(an_organisation()) for _ in range(2))
    subject = await catalogue.subject(known)
    await catalogue.know(subject, "organisation")
    asking = [
        lambda who: by_authorisation(catalogue, who, None),
        lambda who: by_authorisation(catalogue, who, str(uuid4())),
        lambda who: by_authorisation(catalogue, who, str(uuid4()), officer=None, caller=bureau()),
        lambda who: by_matter(catalogue, who, matter="none"),
    ]
    for asked in asking:
        answers = [await asked(who) for who in (known, unknown)]
        assert [each.status_code for each in answers] == [403, 403]
        assert answers[0].json() == answers[1].json()
    assert [line["outcome"] for line in await catalogue.log_of(subject)] == ["refused"] * len(asking)
    assert await catalogue.equipment.vault.find([unknown]) == [None], "and nobody becomes known by it"


async def test_a_doubtful_number_of_whoever_authorised_it_is_answered_about(catalogue: House):
    who = slipped(an_organisation())
    authorisation = await authorised(catalogue, await catalogue.subject(who))
    assert (await by_authorisation(catalogue, who, authorisation)).status_code == 200


async def test_what_is_released_the_kind_of_the_record_says_and_not_who_asks(catalogue: House):
    """Of companies open to all, of traders for government alone."""
    catalogue.follow(a_directory([an_item("penalty", by_kind={"sole_trader": "sharing"})]))
    trader = a_trader()
    subject = await catalogue.subject(trader)
    await catalogue.load(a_record(kind="sole_trader", subject=subject))
    for asked in (the_same_as_a_company(trader), nine_of("organisation", trader), nine_of("sole_trader", trader)):
        answer = await by_authorisation(catalogue, asked, await authorised(catalogue, subject))
        assert (answer.status_code, answer.json()["released"]) == (200, []), answer.text
    firm = a_record(kind="organisation", subject=subject)
    await catalogue.load(firm)
    nine, authorisation = nine_of("sole_trader", trader), await authorised(catalogue, subject)
    given = (await by_authorisation(catalogue, nine, authorisation)).json()["released"]
    assert [each["record"] for each in given] == [str(firm.record)], "nine characters say of no kind"


def slipped(who: Identity) -> Identity:
    number = who.number.reveal()
    found = identify(who.kind, "uscc", number[:17] + ("0" if number[17] != "0" else "1"))
    assert isinstance(found, Identity)
    assert found.doubts
    return found


def nine_of(kind: SubjectKind, who: Identity) -> Identity:
    return Identity(kind, "uscc", Pii(who.number.reveal()[8:17]))
