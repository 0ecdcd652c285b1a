"""Rows go in and every one gets its verdict, in the order sent, with a receipt that can be checked."""

import gzip
from base64 import b64decode
from hashlib import sha256
from time import monotonic
from types import SimpleNamespace
from uuid import UUID

import orjson
import pytest

from creditmesh.chassis.bus import backlog
from creditmesh.chassis.bus.backlog import SECONDS_KEPT
from creditmesh.chassis.packing import unpack
from creditmesh.schemas.rules.identity import USCC_PLACEHOLDER
from creditmesh.schemas.verdicts import ReceiptLine, Verdict
from tests.ingestion.conftest import OFFICER, House, department, told
from tests.ingestion.rows import MARKET, TRANSPORT, compiled, penalty, person_penalty, resident, uscc
from tests.support.erasing import erase


def words(verdicts: list[dict]) -> list[tuple[str, list[str]]]:
    return [(each["verdict"], [reason["code"] for reason in each.get("reasons", ())]) for each in verdicts]


async def test_one_object_is_accepted_then_unchanged_then_corrected(house: House):
    row = penalty(house.number())
    first = await house.submit(row)
    assert first.status_code == 201, first.text
    verdict = first.json()
    assert (verdict["verdict"], verdict["rev"]) == ("accepted", 1)
    assert first.headers["location"] == f"/v1/records/{verdict['record']}"
    again = await house.submit(row)
    assert (again.status_code, words([again.json()])) == (200, [("unchanged", ["same"])])
    other = await house.submit(row | {"CF_SY": "另有事实。"})
    assert (other.status_code, other.headers["etag"]) == (201, '"2"')
    assert (other.json()["verdict"], other.json()["record"]) == ("corrected", verdict["record"])
    stale = await house.submit(row)
    assert (stale.status_code, words([stale.json()])) == (200, [("unchanged", ["superseded"])])
    assert [event.change for event in await house.events(verdict["record"])] == ["accepted", "corrected"]


async def test_the_event_is_what_readers_expect_of_it(house: House):
    number = house.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number), BZ="内部")
    record = UUID((await house.submit(row)).json()["record"])
    (event,) = await house.events(record)
    assert (event.record, event.revision, event.rev, event.change) == (record, record, 1, "accepted")
    assert (event.kind, event.item, event.origin, event.party) == (
        "organisation",
        "administrative_penalty",
        "city",
        "market_regulation",
    )
    assert (event.severity, str(event.display_from), str(event.display_until)) == (
        "general",
        "2026-05-11",
        "2027-05-11",
    )
    assert event.issuer == MARKET.uscc
    sensitive = {"CF_FRDB", "CF_FR_ZJHM", "BZ"}
    assert list(event.fields) == [code for code in compiled().codes if code in row and code not in sensitive]
    (related,) = event.related
    ciphers = await house.equipment.vault.open([event.subject, related.subject])
    opened = {
        sealed.field: ciphers[sealed.about].unseal(sealed, object=record, field=sealed.field) for sealed in event.sealed
    }
    assert opened == {
        "subject": {"BZ": row["BZ"]},
        "representative": {code: row[code] for code in ("CF_FRDB", "CF_FR_ZJHM")},
    }
    assert {sealed.field: sealed.about for sealed in event.sealed} == {
        "subject": event.subject,
        "representative": related.subject,
    }
    (stored,) = await house.fetch("select * from ingestion.revision where id = $1", record)
    assert stored["key"] == str(event.subject)
    assert (stored["mac_alg"], stored["legal_date"].isoformat()) == ("hmac-sha256", "2026-11-22")
    (queued,) = await house.fetch("select * from bus.event_queue where event = $1", record)
    assert (queued["stream"], queued["part"], queued["type"]) == ("ingestion", stored["part"], "record.changed")


async def test_no_name_or_number_of_a_person_stands_in_clear(house: House):
    number = house.number()
    row = person_penalty(number, CF_XDR_MC="金丝雀", CF_SY="金丝雀的事实", BZ="金丝雀的备注")
    assert (await house.submit(row)).status_code == 201
    held = person_penalty(house.number(), CF_XDR_MC="金丝雀", CF_NR="罚款2000元 金丝雀", CF_NR_FK="2000")
    assert (await house.submit(held)).status_code == 202
    needles = ["金丝雀", row["CF_XDR_ZJHM"], held["CF_XDR_ZJHM"]]
    for table in ("revision", "review", "submission", "submission_chunk", "idempotency"):
        for stored in await house.fetch(f"select * from ingestion.{table}"):
            text = "\n".join(
                unpack(value).decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                for value in stored.values()
            )
            assert not [needle for needle in needles if needle in text], table
    (clear,) = await house.fetch("select data from ingestion.revision order by id desc limit 1")
    assert row["CF_WSH"] in unpack(clear["data"]).decode(), "the scan reads what it should"


async def test_many_rows_are_answered_in_order_and_bad_ones_do_not_hinder_the_others(house: House):
    a, b, c = (house.number() for _ in range(3))
    rows = [
        penalty(a),
        penalty(b, CF_CFJGDM=TRANSPORT.uscc),
        penalty(c, CF_NR_FK="2000"),
        penalty(a),
        penalty(a, CF_SY="不同内容"),
        penalty(a),
        {"CF_XDR_MC": "x"},
    ]
    verdicts, receipt = told(await house.submit(rows))
    assert [each["row"] for each in verdicts] == [1, 2, 3, 4, 5, 6, 7]
    assert words(verdicts)[:6] == [
        ("accepted", []),
        ("refused", ["issuer_not_yours"]),
        ("held", ["fine_unit"]),
        ("unchanged", ["repeated"]),
        ("corrected", []),
        ("unchanged", ["repeated"]),
    ]
    assert verdicts[6]["verdict"] == "refused"
    assert {reason["code"] for reason in verdicts[6]["reasons"]} == {"field_required"}
    assert verdicts[0]["record"] == verdicts[4]["record"] == verdicts[5]["record"]
    assert verdicts[5]["rev"] == 2
    counts = {word: receipt[word] for word in ("accepted", "unchanged", "corrected", "held", "refused")}
    assert counts == {"accepted": 1, "unchanged": 2, "corrected": 1, "held": 1, "refused": 2}
    for each in verdicts:
        for reason in each.get("reasons", ()):
            assert reason["detail"]
            assert reason["detail_zh"]


@pytest.mark.parametrize("shape", ["array", "lines", "csv", "gb18030 names", "gzip"])
async def test_every_shape_of_the_same_rows_gives_the_same_verdicts(house: House, shape: str):
    rows = [penalty(house.number()), person_penalty(house.number()), penalty(house.number(), CF_XDR_LB="鱼")]
    codes = list(dict.fromkeys(code for row in rows for code in row))
    header, kind, encoding, headers = codes, "text/csv", "utf-8", {}
    if shape == "gb18030 names":
        header = [compiled().item.field(code).name_zh for code in codes]
        kind, encoding = "text/csv; charset=gb18030", "gb18030"
    body = "\n".join([",".join(header), *(",".join(row.get(code, "") for code in codes) for row in rows)]).encode(
        encoding
    )
    if shape == "array":
        body, kind = orjson.dumps(rows), "application/json"
    elif shape in {"lines", "gzip"}:
        body, kind = b"\n".join(map(orjson.dumps, rows)), "application/x-ndjson"
    if shape == "gzip":
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    verdicts, receipt = told(await house.submit(body, kind=kind, headers=headers))
    assert words(verdicts) == [("accepted", []), ("accepted", []), ("refused", ["bad_code"])]
    assert receipt["rows"] == 3


async def test_a_receipt_is_over_the_very_lines_and_signed_by_the_node(house: House):
    rows = [penalty(house.number()) for _ in range(5)]
    answer = await house.submit(rows)
    _, receipt = told(answer)
    lines = answer.content.splitlines(keepends=True)[:-1]
    assert receipt["digest"] == f"sha-256:{sha256(b''.join(lines)).hexdigest()}"
    signed = ReceiptLine.model_validate_json(answer.content.splitlines()[-1]).receipt
    keys, signature = house.equipment.keys, b64decode(signed.signature)
    assert keys.verify(signed.signed.encode(), signature, key=receipt["key"])
    assert not keys.verify(signed.signed.replace('"accepted":5', '"accepted":4').encode(), signature)
    place = answer.headers["location"]
    async with house.client() as client:
        standing = (await client.get(place)).json()
        assert (standing["state"], standing["done"], standing["total"]) == ("done", 5, 5)
        assert (await client.get(standing["links"]["verdicts"])).content == b"".join(lines)
        assert (await client.get(standing["links"]["receipt"])).json() == {"receipt": signed.model_dump()}


OLDER_LINES = """
update ingestion.submission_chunk set lines = convert_to(replace(convert_from(lines, 'UTF8'), '"rev":', '"revision":'),
                                                         'UTF8')
 where lines like '%"rev":%'
"""


async def test_verdicts_that_were_stored_when_rev_was_revision_stay_as_they_are_and_are_understood(house: House):
    row, one, several = penalty(house.number()), "one of before", "several of before"
    rows = [penalty(house.number()), row, row | {"CF_SY": "更正"}]
    first = await house.submit(row, key=one)
    place = (await house.submit(rows, key=several)).headers["location"]
    async with house.database.session() as session:
        await session.execute(OLDER_LINES)
    again = await house.submit(row, key=one)
    assert (again.status_code, again.headers["etag"]) == (first.status_code, first.headers["etag"])
    assert again.json() == first.json()
    async with house.client() as client:
        lines = (await client.get(f"{place}/verdicts")).content
        receipt = ReceiptLine.model_validate_json((await client.get(f"{place}/receipt")).content).receipt
    assert lines.count(b'"revision":') == len(rows)
    assert [Verdict.model_validate_json(line).rev for line in lines.splitlines()] == [1, 1, 2]
    assert orjson.loads(receipt.signed)["digest"] == f"sha-256:{sha256(lines).hexdigest()}"
    answer = await house.submit(rows, key=several)
    assert answer.content == lines + ReceiptLine(receipt=receipt).model_dump_json().encode() + b"\n"


async def test_one_object_has_a_receipt_too(house: House):
    answer = await house.submit(penalty(house.number()))
    place = answer.headers["link"].partition(">")[0].removeprefix("<")
    async with house.client() as client:
        receipt = orjson.loads((await client.get(f"{place}/receipt")).json()["receipt"]["signed"])
    assert (receipt["rows"], receipt["accepted"]) == (1, 1)


async def test_another_partys_submission_is_not_there(house: House):
    place = (await house.submit([penalty(house.number())])).headers["location"]
    async with house.client(department("transport")) as client:
        for path in (place, f"{place}/verdicts", f"{place}/receipt"):
            assert (await client.get(path)).status_code == 404


async def test_a_submission_of_several_chunks_meets_its_own_rows_again(house: House):
    base = [penalty(house.number()) for _ in range(1400)]
    verdicts, receipt = told(await house.submit([*base, base[3], base[3] | {"CF_SY": "更正"}]))
    assert receipt["rows"] == 1402
    assert words(verdicts[:1400]) == [("accepted", [])] * 1400
    assert words(verdicts[1400:]) == [("unchanged", ["repeated"]), ("corrected", [])]
    assert verdicts[1401]["record"] == verdicts[3]["record"]
    again, receipt = told(await house.submit(base))
    assert receipt["unchanged"] == 1400
    assert words([again[3]]) == [("unchanged", ["superseded"])]


async def test_a_dry_run_says_what_would_be_and_stores_nothing(house: House):
    row = penalty(house.number())
    before = await house.count()
    single = await house.submit(row, dry_run=True)
    assert (single.status_code, single.json()["verdict"]) == (200, "accepted")
    assert "record" not in single.json()
    answer = await house.submit([row, row, penalty(house.number(), CF_NR_FK="2000")], dry_run=True, key="a dry run")
    verdicts = [orjson.loads(line) for line in answer.content.splitlines()]
    assert words(verdicts) == [("accepted", []), ("unchanged", ["repeated"]), ("held", ["fine_unit"])]
    assert (await house.submit(row | {"CF_WSH": None}, dry_run=True)).status_code == 422
    assert await house.count() == before


@pytest.mark.parametrize("erased", ["subject", "representative"])
async def test_a_row_about_somebody_erased_is_refused_alone(house: House, erased: str):
    number = house.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number, born="19510101"))
    (event,) = await house.events((await house.submit(row)).json()["record"])
    gone = event.subject if erased == "subject" else event.related[0].subject
    await erase(house.database, house.equipment.vault, gone)
    again, fine = row | {"CF_SY": "更正"}, penalty(house.number())
    for dry in ("true", "false"):
        answer = await house.submit([again, fine], dry_run=dry)
        verdicts = [line for line in map(orjson.loads, answer.content.splitlines()) if "receipt" not in line]
        assert words(verdicts) == [("refused", ["subject_erased"]), ("accepted", [])]
    answer = await house.submit(again)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "subject_erased")


async def test_the_lane_is_written_down(house: House):
    record = (await house.submit(penalty(house.number()), lane="backfill")).json()["record"]
    assert [event.lane for event in await house.events(record)] == ["backfill"]


async def test_sole_traders_of_one_registration_number_are_one_subject(house: House):
    registration = f"9900006{house.number():08d}"
    trader = {"CF_XDR_LB": "个体工商户", "CF_XDR_SHXYM": USCC_PLACEHOLDER, "CF_XDR_GSZC": registration}
    rows = [penalty(house.number(), **trader), penalty(house.number(), **trader)]
    verdicts, _ = told(
        await house.submit([*rows, penalty(house.number(), CF_XDR_LB="个体工商户", CF_XDR_SHXYM=USCC_PLACEHOLDER)])
    )
    assert [each["verdict"] for each in verdicts] == ["accepted", "accepted", "refused"]
    subjects = {(await house.events(each["record"]))[0].subject for each in verdicts[:2]}
    assert len(subjects) == 1


async def test_a_code_is_one_subject_whatever_kind_a_row_says_and_another_code_another(house: House):
    number, other = house.number(), house.number()
    own = penalty(number, CF_XDR_SHXYM=uscc(number))
    slip = penalty(other, CF_XDR_LB="个体工商户", CF_XDR_SHXYM=uscc(number))
    trader = penalty(other, CF_XDR_LB="个体工商户", CF_XDR_SHXYM=uscc(other, head="92"))
    verdicts, _ = told(await house.submit([own, slip, trader]))
    assert words(verdicts) == [("accepted", []), ("held", ["kind_number_mismatch"]), ("accepted", [])]
    async with house.client(OFFICER) as client:
        released = await client.post(f"/v1/reviews/{verdicts[1]['review']}/decision", json={"decision": "release"})
    records = (verdicts[0]["record"], released.json()["record"], verdicts[2]["record"])
    subjects = [(await house.events(record))[0].subject for record in records]
    assert subjects[0] == subjects[1] != subjects[2]


async def test_brackets_of_a_document_number_do_not_make_another_record(house: House):
    number = house.number()
    first = (await house.submit(penalty(number))).json()
    other = (await house.submit(penalty(number, CF_WSH=f"示市监处罚[2026]{number}号"))).json()
    assert (other["verdict"], other["record"]) == ("corrected", first["record"])


async def test_an_item_is_for_parties_with_its_duty(house: House):
    refused = await house.submit(penalty(house.number()), caller=department("court"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_authorised")
    limited = department(items=frozenset({"administrative_licence"}))
    assert (await house.submit(penalty(house.number()), caller=limited)).status_code == 403
    unknown = await house.submit(penalty(house.number()), caller=department("nobody"))
    assert (unknown.status_code, unknown.json()["code"]) == (403, "not_authorised")


async def test_an_item_that_is_not_in_force_takes_nothing(house: House):
    missing = await house.submit(penalty(house.number()), item="no_such_item")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_item")


async def test_intake_stops_within_a_second_of_events_backing_up_and_goes_on_within_another(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    now = monotonic()
    monkeypatch.setattr(backlog, "time", SimpleNamespace(monotonic=lambda: now))

    def later(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def answered(status: int, lane: str = "live") -> bool:
        before = await house.count()
        answer = await house.submit(penalty(house.number()), lane=lane)
        if answer.status_code == 503:
            assert answer.headers["retry-after"] == "5"
            assert await house.count() == before
        return answer.status_code == status

    async with house.database.session() as session:
        await session.execute("delete from bus.event_queue")
        await session.execute(
            "insert into bus.event_queue (stream, part, type, event, at)"
            " values ('ingestion', 0, 'x', gen_random_uuid(), clock_timestamp() - interval '10 seconds')"
        )
        later(SECONDS_KEPT)
        assert await answered(503, "backfill")
        assert await answered(201)
        await session.execute("update bus.event_queue set at = at - interval '30 seconds'")
        later(SECONDS_KEPT)
        assert await answered(503)
        await session.execute("delete from bus.event_queue")
        later(SECONDS_KEPT)
        assert await answered(201, "backfill")
