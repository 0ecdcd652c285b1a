"""What is one decision, whose it is, and what is recognised as the same whatever the catalogue makes of it."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.chassis.vault.keys import Keys
from creditmesh.ingestion import content
from creditmesh.ingestion.content import former_fingerprint_text, natural_texts
from creditmesh.ingestion.operations.records import candidates
from creditmesh.ingestion.operations.submitting import submission_run
from creditmesh.schemas.catalogue import CodeSet, CodeValue, Item
from creditmesh.schemas.rules.decision_numbers import FORMER
from tests.ingestion.conftest import MARKET_CALLER, OFFICE, OFFICER, Catalogue, House, department, told
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import code_sets, compiled, items, parties, penalty, person_penalty, uscc
from tests.ingestion.test_cases import step
from tests.ingestion.test_records import correct, made, read, withdraw

LICENCE = "administrative_licence"
PENALTY = "administrative_penalty"
TRANSPORT = department("transport")


def licence(number: int, *, certificate: str | None, decision: str, **changes: str) -> dict[str, str]:
    issuer = parties()["market_regulation"].uscc
    row = {
        "XK_XDR_MC": f"示例贸易{number}有限公司",
        "XK_XDR_LB": "法人及非法人组织",
        "XK_XDR_SHXYM": uscc(number),
        "XK_FRDB": "样甲",
        "XK_XKWS": "准予行政许可决定书",
        "XK_WSH": decision,
        "XK_XKLB": "普通",
        "XK_NR": "食品经营",
        "XK_JDRQ": "2026-05-11",
        "XK_YXQZ": "2026-05-11",
        "XK_YXQZI": "2099-12-31",
        "XK_XKJG": "示例市市场监督管理局",
        "XK_XKJGDM": issuer,
        "XK_ZT": "有效",
        "XK_LYDW": "示例市市场监督管理局",
        "XK_LYDWDM": issuer,
    }
    return row | ({} if certificate is None else {"XK_XKBH": certificate}) | changes


def directory(house: House) -> Catalogue:
    found = house.equipment.followed
    assert isinstance(found, Catalogue)
    return found


async def verdicts(house: House, rows: list[dict[str, Any]], **more: Any) -> list[tuple[str, str | None]]:
    return [(each["verdict"], each.get("record")) for each in told(await house.submit(rows, **more))[0]]


@pytest.mark.parametrize("brackets", ["[]", "（）", "【】", "［］", "﹝﹞", "〖〗", "〈〉", "{}", "「」", "<>"])
async def test_whatever_brackets_a_year_has_it_is_one_record(house: House, brackets: str):
    number = house.number()
    row = penalty(number)
    record = await made(house, row)
    left, right = brackets
    answer = await house.submit(row | {"CF_WSH": f"示市监处罚{left}2026{right}\u200b第{number}号"})
    assert (answer.json()["verdict"], answer.json()["record"]) == ("corrected", record)


@pytest.mark.parametrize(
    "filler", ["无", "/", "— —", "-", "当场处罚", "详见附件", "示罚〔2026〕号", "〔2026〕1**号", "000"]
)
async def test_a_filler_identifies_no_record(house: House, filler: str):
    one = penalty(house.number(), CF_WSH=filler)
    before = (await house.count())[0]
    lines, _ = told(await house.submit([one, one | {"CF_JDRQ": "2026-06-01", "CF_SY": "另一事实"}]))
    for line in lines:
        assert (line["verdict"], line["reasons"][0]["code"], line["reasons"][0]["pointer"]) == (
            "refused",
            "decision_filler",
            "/CF_WSH",
        )
        assert filler not in line["reasons"][0]["detail"]
    assert (await house.count())[0] == before


async def test_what_a_filler_is_the_catalogue_says(house: House):
    row = penalty(house.number(), CF_WSH="留空1")
    shipped, telling = code_sets()["decision_filler"], directory(house)
    word = CodeValue(value="留空1", name="Left empty", name_zh="留空1")
    try:
        telling.tell("code_set", shipped.model_copy(update={"values": (*shipped.values, word)}), number=2)
        assert (await house.submit(row)).json()["errors"][0]["code"] == "decision_filler"
    finally:
        telling.tell("code_set", shipped, number=3)
    assert (await house.submit(row)).status_code == 201


async def test_a_peers_record_without_a_number_is_not_taken(province: House):
    feed, record = Feed(province), new_record()
    await province.deliver(feed.key(), feed.entry(penalty(province.number(), CF_WSH="无"), record=record))
    assert await province.events(record) == []
    assert "decision_filler" in str((await province.judged())[-1])


async def test_each_certificate_under_one_decision_is_a_record(house: House):
    number = house.number()
    rows = [licence(number, certificate=f"JY{each}", decision="示许〔2026〕5号") for each in range(30)]
    first = await verdicts(house, rows, item=LICENCE)
    assert {verdict for verdict, _ in first} == {"accepted"}
    assert len({record for _, record in first}) == 30
    assert await verdicts(house, rows[::-1], item=LICENCE) == [("unchanged", record) for _, record in first[::-1]]
    ((verdict, record),) = await verdicts(house, [rows[7] | {"XK_NR": "餐饮"}], item=LICENCE)
    assert (verdict, record) == ("corrected", first[7][1])


async def test_a_licence_without_a_certificate_is_known_by_its_decision(house: House):
    row = licence(house.number(), certificate=None, decision="示许〔2026〕6号")
    ((_, record),) = await verdicts(house, [row], item=LICENCE)
    assert await verdicts(house, [row | {"XK_NR": "餐饮"}], item=LICENCE) == [("corrected", record)]
    answer = await house.submit(row | {"XK_XKBH": "无"}, item=LICENCE)
    assert (answer.json()["errors"][0]["code"], answer.json()["errors"][0]["pointer"]) == (
        "decision_filler",
        "/XK_XKBH",
    )


@pytest.mark.parametrize("key", [["XK_NONE"], ["XK_WSH", "XK_WSH"], ["XK_FR_SFZH"]])
def test_a_natural_key_names_fields_about_the_subject_each_once(key: list[str]):
    with pytest.raises(ValueError, match="natural_key"):
        Item.model_validate(items()[LICENCE].model_dump() | {"natural_key": key})


def test_in_which_order_a_key_is_written_makes_no_difference():
    item = items()[LICENCE]
    turned = Item.model_validate(item.model_dump() | {"natural_key": item.natural_key[::-1]})
    assert turned.identifying == item.identifying == ("XK_WSH", "XK_XKBH")
    assert items()[PENALTY].identifying == ("CF_WSH",)


def changed_catalogue(what: str) -> tuple[Item, CodeSet]:
    """The penalty item and its kinds of penalty as a next version may have them."""
    item, kinds = items()[PENALTY], code_sets()["penalty_kind"]
    if what == "sensitive":
        fields = tuple(f.model_copy(update={"sensitive": f.sensitive or f.code == "CF_WFXW"}) for f in item.fields)
        item = item.model_copy(update={"fields": fields})
    elif what == "order":
        item = item.model_copy(update={"fields": item.fields[::-1]})
    else:
        freed = [value.model_copy(update={"aliases": ()}) for value in kinds.values]
        own = CodeValue(value="罚款(含没收)", name="Fine and forfeit", name_zh="罚款(含没收)")
        kinds = kinds.model_copy(update={"values": (*freed, own)})
    return Item.model_validate(item.model_dump() | {"number": 2}), kinds


def with_alias(kinds: CodeSet) -> CodeSet:
    values = tuple(
        v.model_copy(update={"aliases": (*v.aliases, "罚款(含没收)")}) if v.value == "罚款" else v for v in kinds.values
    )
    return kinds.model_copy(update={"values": values})


@pytest.mark.parametrize("what", ["sensitive", "order", "alias"])
async def test_an_older_copy_of_a_row_is_superseded_whatever_the_catalogue_has_become(house: House, what: str):
    telling, shipped = directory(house), code_sets()["penalty_kind"]
    rows = [
        penalty(house.number(), CF_CFLB="罚款(含没收)"),
        person_penalty(house.number(), CF_CFLB="罚款(含没收)"),
    ]
    try:
        telling.tell("code_set", with_alias(shipped), number=2)
        await house.submit(rows)
        await house.submit([row | {"BZ": "新"} for row in rows])
        item, kinds = changed_catalogue(what)
        telling.tell("code_set", kinds if what == "alias" else with_alias(kinds), number=3)
        telling.tell("item", item, number=2)
        lines, _ = told(await house.submit([*rows, *(row | {"BZ": "新"} for row in rows)]))
        assert [(each["verdict"], each["reasons"][0]["code"]) for each in lines] == [
            *[("unchanged", "superseded")] * 2,
            *[("unchanged", "same")] * 2,
        ]
    finally:
        telling.tell("code_set", shipped, number=4)
        telling.tell("item", items()[PENALTY], number=3)


async def test_another_spelling_of_a_code_is_the_same_content(house: House):
    telling, shipped = directory(house), code_sets()["penalty_kind"]
    row = penalty(house.number())
    try:
        telling.tell("code_set", with_alias(shipped), number=5)
        await made(house, row)
        assert (await house.submit(row | {"CF_CFLB": "罚款(含没收)"})).json()["verdict"] == "unchanged"
    finally:
        telling.tell("code_set", shipped, number=6)


async def test_line_ends_inside_a_cell_are_one(house: House):
    row = penalty(house.number(), CF_SY="一\r\n二\r三")
    await made(house, row)
    for text in ("一\n二\n三", "一\r二\r\n三", "一\u2028二\x85三"):
        assert (await house.submit(row | {"CF_SY": text})).json()["verdict"] == "unchanged", repr(text)


def test_the_texts_of_before_are_what_they_were():
    """Literally: MACs of them are stored, and no node can make these anew."""
    subject, row = UUID(int=7), penalty(1, CF_WSH="示罚［2026］1a号")
    found = natural_texts(items()[PENALTY], row, subject=subject, origin="city")
    head = f"administrative_penalty\x1f{subject.hex}\x1f{row['CF_CFJGDM']}\x1f"
    assert found == [f"{head}示罚(2026)1A号\x1fcity".encode(), f"{head}示罚［2026］1A号\x1fcity".encode()]
    plain = natural_texts(items()[PENALTY], penalty(1), subject=subject, origin="city")
    assert plain == [f"{head}示市监处罚(2026)1号\x1fcity".encode()]
    clear = {code: value for code, value in row.items() if code != "CF_FRDB"}
    parts = (clear, {}, {"CF_FRDB": row["CF_FRDB"]})
    ordered = [{code: part[code] for code in compiled().codes if code in part} for part in parts]
    text = b"\x1f".join((b"administrative_penalty", *map(orjson.dumps, ordered)))
    assert former_fingerprint_text(compiled(), dict(sorted(row.items())), "organisation") == text


async def test_what_was_stored_before_is_found_and_recognised(house: House, monkeypatch: pytest.MonkeyPatch):
    """Stored with the keys and fingerprints of before, under another version of the item, as an upgrade finds it."""
    number = house.number()
    plain, odd = penalty(number), penalty(number, CF_WSH=f"示市监处罚［2026］{number}号", CF_SY="另一")
    numbered = penalty(number, CF_WSH=f"示市监处罚〔2025〕第{number}号")
    shared = [licence(number, certificate=f"JY{each}", decision="示许〔2026〕7号") for each in range(3)]
    with monkeypatch.context() as before:
        as_before(before, house.equipment.keys)
        stored = await verdicts(house, [plain, odd, numbered])
        assert [verdict for verdict, _ in stored] == ["accepted"] * 3
        assert [v for v, _ in await verdicts(house, shared, item=LICENCE)] == ["accepted", "corrected", "corrected"]
        ((_, kept),) = await verdicts(house, [shared[2]], item=LICENCE)
    telling = directory(house)
    try:
        telling.tell("item", changed_catalogue("sensitive")[0], number=2)
        again = await verdicts(house, [plain, odd, numbered])
        assert again == [("unchanged", record) for _, record in stored]
        newer = [row | {"BZ": "新"} for row in (plain, odd, numbered)]
        assert await verdicts(house, newer) == [("corrected", record) for _, record in stored]
        assert (await verdicts(house, [plain | {"CF_WSH": f"示市监处罚﹝2026﹞{number}号"}]))[0][1] == stored[0][1]
        record = stored[1][1]
        assert record is not None
        assert (await correct(house, record, odd | {"BZ": "再"}, rev=2)).status_code == 201
    finally:
        telling.tell("item", items()[PENALTY], number=3)
    first, second, third = await verdicts(house, shared, item=LICENCE)
    assert third == ("unchanged", kept)
    assert (first[0], second[0]) == ("accepted", "accepted")
    assert len({first[1], second[1], kept}) == 3
    assert await verdicts(house, shared[::-1], item=LICENCE) == [
        ("unchanged", kept), ("unchanged", second[1]), ("unchanged", first[1]),
    ]  # fmt: skip


async def test_what_a_version_before_this_one_stored_is_found(house: House, monkeypatch: pytest.MonkeyPatch):
    number = house.number()
    one = penalty(number, CF_WSH=f"示市监处罚2026第{number}号")
    with monkeypatch.context() as before:
        before.setattr(content, "one_text", FORMER[0])
        ((verdict, record),) = await verdicts(house, [one])
    assert (verdict, await verdicts(house, [one])) == ("accepted", [("unchanged", record)])
    assert await verdicts(house, [one | {"BZ": "新"}]) == [("corrected", record)]


async def test_a_mark_behind_a_year_keeps_two_decisions_apart(house: House):
    number = house.number()
    rows = [penalty(number, CF_WSH=f"示市监处罚2026{mark}{number}号") for mark in ("", "第", "No.")]
    assert [verdict for verdict, _ in await verdicts(house, rows)] == ["accepted"] * 3


async def test_a_row_that_was_held_before_is_the_same_review(house: House, monkeypatch: pytest.MonkeyPatch):
    row = penalty(house.number(), CF_NR_FK="0.3")
    with monkeypatch.context() as before:
        as_before(before, house.equipment.keys)
        held = (await house.submit(row)).json()["review"]
    assert (await house.submit(row)).json()["review"] == held
    async with house.client(OFFICER) as client:
        answer = await client.post(f"/v1/reviews/{held}/decision", json={"decision": "release"})
    assert (answer.status_code, answer.json()["verdict"]) == (201, "accepted")
    assert (await house.submit(row)).json()["verdict"] == "unchanged"


def as_before(patch: pytest.MonkeyPatch, keys: Keys) -> None:
    """Write what is stored as it was written until decision 33."""
    natural = candidates.natural_texts
    patch.setattr(candidates, "natural_texts", lambda *given, **named: natural(*given, **named)[-1:])

    class Former(candidates.Candidate):
        def __init__(self, *, passed: candidates.PassedRow, **rest: Any) -> None:
            text = former_fingerprint_text(passed.compiled, passed.row, passed.subject.kind)
            rest["fingerprint"] = keys.mac("fingerprint", text)
            super().__init__(passed=passed, **rest | {"fingerprints": frozenset((rest["fingerprint"],))})

    patch.setattr(candidates, "Candidate", Former)


async def test_a_copy_that_was_kept_before_takes_its_next_revision(province: House, monkeypatch: pytest.MonkeyPatch):
    feed, record, number = Feed(province), new_record(), province.number()
    row = penalty(number, CF_WSH=f"示市监处罚［2026］{number}号")
    natural = candidates.natural_texts
    with monkeypatch.context() as before:
        before.setattr(candidates, "natural_texts", lambda *given, **named: natural(*given, **named)[-1:])
        await province.deliver(feed.key(), feed.entry(row, record=record))
    await province.deliver(feed.entry(row | {"BZ": "新"}, record=record, rev=2, change="corrected"))
    assert [event.rev for event in await province.events(record)] == [1, 2]


async def another_party(house: House) -> dict[str, str]:
    """A row that two parties may send: transport's authority covers the market regulator's body."""
    telling = directory(house)
    transport, market = parties()["transport"], parties()["market_regulation"]
    both = {"issues_for": (*transport.issues_for, market.uscc), "duties": market.duties}
    telling.tell("party", transport.model_copy(update=both), number=2)
    row = penalty(house.number())
    del row["CF_SJLYDM"]
    return row | {"CF_SJLYDM": transport.uscc}


@pytest.fixture
async def overlapping(house: House):
    yield await another_party(house)
    directory(house).tell("party", parties()["transport"], number=3)


async def test_that_a_record_has_ended_is_told_to_its_own_party_alone(house: House, overlapping: dict[str, str]):
    ours = overlapping | {"CF_SJLYDM": parties()["market_regulation"].uscc}
    record = await made(house, ours)
    assert (await withdraw(house, record)).status_code == 200
    mine = (await house.submit(ours)).json()
    assert (mine["record"], mine["reasons"][0]["code"]) == (record, "record_ended")
    answer = await house.submit(ours, caller=TRANSPORT)
    assert answer.status_code == 422
    assert [each["code"] for each in answer.json()["errors"]] == ["record_closed"]
    (line,), _ = told(await house.submit([ours], caller=TRANSPORT))
    assert (line["verdict"], line["reasons"][0]["code"], line.get("record"), line.get("rev")) == (
        "refused", "record_closed", None, None,
    )  # fmt: skip


async def test_a_record_of_another_party_is_not_taken_over(house: House, overlapping: dict[str, str]):
    theirs = overlapping
    ours = theirs | {"CF_SJLYDM": parties()["market_regulation"].uscc}
    record = await made(house, ours)
    for body in (theirs, [theirs], theirs):
        answer = await house.submit(body, caller=TRANSPORT)
        line = told(answer)[0][0] if isinstance(body, list) else answer.json()
        assert (line["verdict"], line["reasons"][0]["code"]) == ("held", "another_partys_record")
        assert "record" not in line
    review = line["review"]
    assert (await read(house, record)).json()["party"] == "market_regulation"
    for caller, status, code in (
        (department("transport", officer="T-1", credential="t"), 403, "office_needed"),
        (OFFICE, 201, None),
    ):
        async with house.client(caller) as client:
            answer = await client.post(f"/v1/reviews/{review}/decision", json={"decision": "release"})
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert (await read(house, record, caller=TRANSPORT)).json()["party"] == "transport"
    assert (await house.submit(ours)).json()["reasons"][0]["code"] == "superseded"


async def test_a_repaired_record_is_opened_by_no_correction(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    (event,) = await house.events(record)
    await house.deliver(step(UUID(record), event.subject, "repair"))
    for caller in (MARKET_CALLER, OFFICER):
        answer = await correct(
            house, record, row | {"BZ": "新"}, rev=2, caller=caller, reason="reopened", basis="示恢〔2026〕1号"
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "record_closed")
    assert len(await house.events(record)) == 2


@pytest.mark.parametrize(
    ("caller", "more", "status", "code"),
    [
        (MARKET_CALLER, {"reason": "reopened", "basis": "示恢〔2026〕1号"}, 403, "officer_needed"),
        (OFFICER, {"basis": "示恢〔2026〕1号"}, 422, "reopening_unfounded"),
        (OFFICER, {"reason": "reopened"}, 422, "reopening_unfounded"),
        (OFFICER, {"reason": "reopened", "basis": "示恢〔2026〕1号"}, 201, None),
    ],
)
async def test_a_withdrawn_record_is_opened_by_an_officer_for_a_reason_on_a_basis(
    house: House, caller: Any, more: dict[str, str], status: int, code: str | None
):
    row = penalty(house.number())
    record = await made(house, row)
    await withdraw(house, record)
    answer = await correct(house, record, row, rev=2, caller=caller, **more)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    changes = [event.change for event in await house.events(record)]
    assert changes == ["accepted", "withdrawn", *(["reopened"] if status == 201 else [])]


ROW = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["〔2026〕1号", "［2026］1号", "(2026)第01号", "〔2026〕2号", "无", "/"]),
    st.sampled_from(["甲", "乙"]),
)


@given(rows=st.lists(ROW, min_size=1, max_size=12), chunk=st.integers(1, 5), seed=st.randoms(use_true_random=False))
@settings(max_examples=25)
async def test_verdicts_depend_neither_on_chunks_nor_on_other_subjects(
    house: House, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, str, str]], chunk: int, seed: Any
):
    shuffled = [place for place, _ in sorted(enumerate(rows), key=lambda each: each[1][0])]
    order = {subject: seed.random() for subject in range(4)}
    shuffled.sort(key=lambda place: order[rows[place][0]])

    async def sent(places: list[int], size: int) -> dict[int, tuple[str, int | None]]:
        base = [house.number() for _ in range(4)]
        body = [penalty(base[who], CF_WSH=f"示罚{number}", CF_SY=text) for who, number, text in rows]
        monkeypatch.setattr(submission_run, "CHUNK", size)
        lines, _ = told(await house.submit([body[place] for place in places]))
        return {place: (line["verdict"], line.get("rev")) for place, line in zip(places, lines, strict=True)}

    assert await sent(list(range(len(rows))), 1000) == await sent(shuffled, chunk)


def test_codes_as_they_were_written_stand_under_the_fields_code():
    fields = penalty(1) | {"处罚种类": "警告,罚款"}
    del fields["CF_CFLB"]
    row = compiled().validate_json(orjson.dumps(fields))
    assert isinstance(row, dict)
    assert (row["CF_CFLB"], compiled().as_given(row, fields)["CF_CFLB"]) == ("警告;罚款", "警告,罚款")
