"""A submission that comes again: with its key it goes on where it stood, without one it changes nothing."""

import asyncio
from base64 import b64decode
from hashlib import sha256

import orjson
import pytest

from creditmesh.chassis.context import Context
from creditmesh.ingestion import operations
from creditmesh.ingestion.formats import Media, rows_of
from creditmesh.ingestion.operations import SubmissionOrder
from creditmesh.schemas.signed import SignedText, said
from creditmesh.schemas.verdicts import Receipt
from tests.ingestion.conftest import MARKET_CALLER, PENALTY, House, department, told
from tests.ingestion.rows import penalty
from tests.support.eventually import eventually


def codes(verdicts: list[dict]) -> set[tuple[str, ...]]:
    return {(each["verdict"], *(reason["code"] for reason in each.get("reasons", ()))) for each in verdicts}


async def state(house: House) -> list[dict]:
    return await house.fetch("select id, record, rev, state, fingerprint from ingestion.revision order by id")


async def test_the_same_key_and_body_gives_the_same_ids(house: House):
    rows = [penalty(house.number()) for _ in range(3)]
    first = await house.submit(rows, key="k-1")
    before = await house.count()
    again = await house.submit(rows, key="k-1")
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await house.count() == before


async def test_one_object_under_a_key_is_answered_alike(house: House):
    for row, status in ((penalty(house.number()), 201), (penalty(house.number(), CF_NR_FK="2000"), 202)):
        key = f"one-{status}"
        first, again = await house.submit(row, key=key), await house.submit(row, key=key)
        assert (first.status_code, again.status_code) == (status, status)
        assert first.json() == again.json()
        assert first.headers["location"] == again.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"


async def test_a_key_with_another_body_is_refused(house: House):
    assert (await house.submit([penalty(house.number())], key="k-2")).status_code == 200
    before = await house.count()
    other = await house.submit([penalty(house.number())], key="k-2")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await house.count() == before


async def test_keys_are_each_credentials_own(house: House):
    rows = [penalty(house.number())]
    await house.submit(rows, key="k-3")
    other = await house.submit(rows, key="k-3", caller=department(credential="another"))
    assert "idempotency-replayed" not in other.headers


async def test_a_refused_single_row_leaves_its_key_free(house: House):
    row = penalty(house.number())
    assert (await house.submit(row | {"CF_JDRQ": "2027-01-01"}, key="k-4")).status_code == 422
    assert (await house.submit(row, key="k-4")).status_code == 201


async def test_a_replay_is_answered_as_it_was_although_the_record_has_ended_since(house: House):
    row = penalty(house.number())
    first = await house.submit(row, key="ended")
    async with house.client() as client:
        ended = await client.post(
            f"/v1/records/{first.json()['record']}/withdrawal",
            json={"reason": "revoked", "basis": "示市监撤销〔2026〕1号"},
            headers={"If-Match": '"1"'},
        )
    assert ended.status_code == 200
    again = await house.submit(row, key="ended")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    anew = (await house.submit(row)).json()
    assert (anew["verdict"], [reason["code"] for reason in anew["reasons"]]) == ("unchanged", ["record_ended"])


async def test_a_key_that_stands_is_refused_for_another_row_even_if_that_is_refused_itself(house: House):
    row = penalty(house.number())
    await house.submit(row, key="k-5")
    other = await house.submit(row | {"CF_JDRQ": "2027-01-01"}, key="k-5")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_replay_is_answered_while_events_back_up(house: House):
    row = penalty(house.number())
    first = await house.submit(row, key="k-6")
    async with house.database.session() as session:
        await session.execute("update bus.event_queue set at = clock_timestamp() - interval '1 hour'")
        await eventually(lambda: _answered(house, 503))
        again = await house.submit(row, key="k-6")
        assert (again.status_code, again.json()) == (201, first.json())
        await session.execute("delete from bus.event_queue")
        await eventually(lambda: _answered(house, 201))


async def _answered(house: House, status: int) -> bool:
    return (await house.submit(penalty(house.number()))).status_code == status


async def test_one_objects_receipt_is_signed_when_it_is_asked_for(house: House):
    answer = await house.submit(penalty(house.number()), key="k-7")
    submission = answer.headers["link"].partition("</v1/submissions/")[2].partition(">")[0]
    async with house.client() as client:
        standing = (await client.get(f"/v1/submissions/{submission}")).json()
        verdicts = (await client.get(f"/v1/submissions/{submission}/verdicts")).content
        receipts = [(await client.get(f"/v1/submissions/{submission}/receipt")).content for _ in range(2)]
    assert (standing["state"], standing["done"], standing["total"]) == ("done", 1, 1)
    assert receipts[0] == receipts[1]
    signed = SignedText.model_validate(orjson.loads(receipts[0])["receipt"])
    receipt = said(Receipt, signed)
    assert receipt.digest == f"sha-256:{sha256(verdicts).hexdigest()}"
    assert house.equipment.keys.verify(signed.signed.encode(), b64decode(signed.signature), key=receipt.key)


@pytest.mark.parametrize("key", [None, "twice"])
async def test_the_whole_submission_again_changes_nothing(house: House, key: str | None):
    rows = [penalty(house.number()) for _ in range(30)]
    rows += [rows[4] | {"CF_SY": "更正"}, rows[4]]
    told(await house.submit(rows, key=key))
    before = await state(house)
    verdicts, _ = told(await house.submit(rows, key=key))
    assert await state(house) == before
    if key is None:
        assert codes(verdicts) == {("unchanged", "same"), ("unchanged", "superseded")}


@pytest.mark.parametrize("keys", [(None, None, None), ("o-1", "o-2", "o-3")])
async def test_an_overlapping_and_a_stale_submission_change_nothing_they_should_not(house: House, keys):
    old = [penalty(house.number()) for _ in range(20)]
    new = [row | {"CF_SY": "新的事实"} for row in old]
    told(await house.submit(old, key=keys[0]))
    told(await house.submit(new, key=keys[1]))
    before = await state(house)
    verdicts, _ = told(await house.submit([*old[10:], *new[:10]], key=keys[2]))
    assert codes(verdicts[:10]) == {("unchanged", "superseded")}
    assert codes(verdicts[10:]) == {("unchanged", "same")}
    assert await state(house) == before


class Cut(BaseException):
    """The process dies here."""


async def test_a_submission_that_was_cut_off_goes_on_where_it_stood(house: House, monkeypatch: pytest.MonkeyPatch):
    rows = [penalty(house.number()) for _ in range(2300)]
    commits, real = 0, Context.commit

    async def dying(self: Context) -> None:
        nonlocal commits
        commits += 1
        if commits == 3:  # after two chunks
            raise Cut
        await real(self)

    monkeypatch.setattr(Context, "commit", dying)
    with pytest.raises(Cut):
        await house.submit(rows, key="cut")
    monkeypatch.undo()
    (submission,) = await house.fetch("select id from ingestion.submission where total = 2300")
    done = "select last_row, lines from ingestion.submission_chunk where submission = $1 order by 1"
    before = await house.fetch(done, submission["id"])
    assert [chunk["last_row"] for chunk in before] == [1000, 2000]
    async with house.client() as client:
        standing = (await client.get(f"/v1/submissions/{submission['id']}")).json()
        assert (standing["state"], standing["done"]) == ("under_way", 2000)
        assert (await client.get(f"/v1/submissions/{submission['id']}/receipt")).status_code == 404
    again = await house.submit(rows, key="cut")
    verdicts, receipt = told(again)
    assert codes(verdicts) == {("accepted",)}
    assert (receipt["submission"], receipt["accepted"]) == (str(submission["id"]), 2300)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await house.fetch(done, submission["id"]))[:2] == before
    stored = await house.fetch("select count(*) n from ingestion.revision where submission = $1", submission["id"])
    assert stored[0]["n"] == 2300


async def test_a_submission_without_a_key_is_made_whole_by_sending_it_again(house: House, monkeypatch):
    rows = [penalty(house.number()) for _ in range(1500)]
    commits, real = 0, Context.commit

    async def dying(self: Context) -> None:
        nonlocal commits
        commits += 1
        if commits == 2:
            raise Cut
        await real(self)

    monkeypatch.setattr(Context, "commit", dying)
    with pytest.raises(Cut):
        await house.submit(rows)
    monkeypatch.undo()
    verdicts, _ = told(await house.submit(rows))
    assert codes(verdicts[:1000]) == {("unchanged", "same")}
    assert codes(verdicts[1000:]) == {("accepted",)}


async def test_rows_that_differ_under_a_standing_submission_are_refused(house: House):
    rows = [penalty(house.number()) for _ in range(2)]

    def order(body: list[dict]) -> SubmissionOrder:
        text = b"\n".join(map(orjson.dumps, body))
        return SubmissionOrder(
            item=PENALTY,
            read=lambda intake: rows_of(Media("lines", "utf-8"), text, names=intake.compiled.names),
            digest=b"the same",
            weight=len(text),
            key="differs",
        )

    async with house.context(MARKET_CALLER) as ctx:
        await operations.submit(ctx, order(rows))
    async with house.context(MARKET_CALLER) as ctx:
        with pytest.raises(Exception, match=r"new key") as raised:
            await operations.submit(ctx, order(rows[::-1]))
    assert raised.value.code == "chunk_differs"


@pytest.mark.parametrize("key", [None, "at once"])
async def test_many_equal_requests_at_once_have_one_effect(house: House, key: str | None):
    row = penalty(house.number())
    answers = await asyncio.gather(*(house.submit(row, key=key) for _ in range(12)))
    assert {answer.json()["record"] for answer in answers} == {answers[0].json()["record"]}
    assert len(await house.events(answers[0].json()["record"])) == 1
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == ([201] * 12 if key else [200] * 11 + [201])


async def test_equal_submissions_of_several_chunks_at_once_are_one(house: House):
    rows = [penalty(house.number()) for _ in range(1200)]
    first, second = await asyncio.gather(*(house.submit(rows, key="both") for _ in range(2)))
    assert first.content == second.content
    verdicts, _ = told(first)
    assert codes(verdicts) == {("accepted",)}
