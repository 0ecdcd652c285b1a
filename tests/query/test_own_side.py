"""The person's own side: their file, who looked, and carrying everything away."""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID, uuid4

import asyncpg
import pytest
from starlette.responses import StreamingResponse

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.query.operations import own_file
from creditmesh.schemas.queries import ExportOut
from tests.query.asking import authorised, by_matter, get, penalty, somebody
from tests.query.conftest import (
    ITEMS,
    House,
    an_organisation,
    bureau,
    department,
    person,
)
from tests.query.samples import a_directory, a_node, a_record
from tests.query.test_queries import somebody_else
from tests.support.erasing import erase
from tests.support.eventually import eventually

NOBODYS = UUID("0199f000-0000-7000-8000-000000000000")
"""An id that nothing has, and the same in every process that collects these tests."""


async def test_the_file_is_whole_opened_and_logged(catalogue: House):
    _, subject = await somebody(catalogue)
    record = uuid4()
    cipher = (await catalogue.equipment.vault.open([subject]))[subject]
    sealed = cipher.seal({"ID": "990000196001010011"}, object=record, field="subject")
    theirs = [
        penalty(subject, record=record, sealed=[sealed.model_dump()]),
        penalty(subject, item="licence", origin="harbour"),
    ]
    await catalogue.load(*theirs, penalty(uuid4()))
    answer = await get(catalogue, person(subject), "/v1/me/file")
    assert answer.headers["cache-control"] == "no-store"
    assert {each["record"] for each in answer.json()["records"]} == {str(each.record) for each in theirs}
    assert {each["origin"] for each in answer.json()["records"]} == {"city", "harbour"}
    assert "990000196001010011" in answer.text
    (line,) = await catalogue.log_of(subject)
    assert (line["access"], line["purpose"], line["ground"]) == (answer.json()["decision_id"], "own_file", "self")


async def a_firms_penalty(house: House, boss: UUID, **more):
    """A record of an organisation with a sealed value of its own, and its representative's name and number."""
    firm, record = await house.subject(an_organisation()), uuid4()
    ciphers = await house.equipment.vault.open([firm, boss])
    sealed = (
        ciphers[firm].seal({"ID": "990000196001010011"}, object=record, field="subject"),
        ciphers[boss].seal({"BOSS": "殷沙盒", "BOSS_ID": "99000019600202002X"}, object=record, field="representative"),
    )
    related = [{"role": "legal_representative", "subject": boss, "part": 0}]
    return a_record(subject=firm, record=record, sealed=[each.model_dump() for each in sealed], related=related, **more)


def revised(record, **more):
    return type(record).model_validate(record.model_dump() | {"rev": record.rev + 1, "revision": uuid4()} | more)


async def file_of(house: House, subject: UUID):
    return (await get(house, person(subject), "/v1/me/file")).raise_for_status().json()["records"]


async def test_whom_a_record_names_finds_it_in_their_file_their_own_whole_and_the_others_masked(catalogue: House):
    _, boss = await somebody(catalogue)
    fine, own = await a_firms_penalty(catalogue, boss), penalty(boss)
    await catalogue.load(fine, own)
    about, naming = await file_of(catalogue, boss)
    assert (about["record"], about["named_as"]) == (str(own.record), None)
    assert (naming["record"], naming["named_as"]) == (str(fine.record), "legal_representative")
    assert naming["fields"] == fine.fields | {"BOSS": "殷沙盒", "BOSS_ID": "99000019600202002X"}
    (firms,) = await file_of(catalogue, fine.subject)
    assert (firms["named_as"], firms["fields"]) == (None, fine.fields | {"ID": "990000196001010011", "BOSS": "殷**"})
    exported = (await get(catalogue, person(boss), "/v1/me/export")).json()["records"]
    assert exported == [about, naming]
    lines = [line for line in await catalogue.log_of(fine.subject) if line["purpose"] == "own_file"]
    assert [line["records"] for line in lines] == [[str(fine.record)]] * 2


async def test_who_is_named_no_more_or_was_discharged_finds_it_no_more(catalogue: House):
    _, boss = await somebody(catalogue)
    _, next_boss = await somebody(catalogue)
    fine = await a_firms_penalty(catalogue, boss)
    await catalogue.load(fine)
    related = [{"role": "legal_representative", "subject": next_boss, "part": 0}]
    replaced = revised(fine, change="corrected", related=related, sealed=())
    await catalogue.load(replaced)
    assert (await file_of(catalogue, boss), len(await file_of(catalogue, next_boss))) == ([], 1)
    discharged = revised(replaced, change="discharged", about=next_boss)
    await catalogue.load(discharged, revised(discharged, change="corrected", about=None))
    assert await file_of(catalogue, next_boss) == []
    assert len(await file_of(catalogue, fine.subject)) == 1
    await catalogue.load(replaced)
    assert await file_of(catalogue, next_boss) == []


@pytest.mark.parametrize("end", [{"state": "repaired"}, {"display_until": date(2026, 5, 4)}])
async def test_what_is_shown_no_more_is_in_nobodys_file(catalogue: House, end):
    _, boss = await somebody(catalogue)
    fine = await a_firms_penalty(catalogue, boss)
    await catalogue.load(fine)
    await catalogue.load(revised(fine, **end))
    assert await file_of(catalogue, boss) == []


async def test_a_persons_name_in_a_record_answers_no_query_about_them(catalogue: House):
    identity, boss = await somebody(catalogue)
    await catalogue.load(await a_firms_penalty(catalogue, boss))
    assert (await by_matter(catalogue, identity)).json()["released"] == []


async def test_an_erased_person_keeps_a_file_without_what_was_sealed(catalogue: House):
    _, subject = await somebody(catalogue)
    record = uuid4()
    cipher = (await catalogue.equipment.vault.open([subject]))[subject]
    await catalogue.load(
        penalty(subject, record=record, sealed=[cipher.seal({"ID": "x"}, object=record, field="s").model_dump()])
    )
    await erase(catalogue.database, catalogue.equipment.vault, subject)
    (shown,) = (await get(catalogue, person(subject), "/v1/me/file")).json()["records"]
    assert list(shown["fields"]) == ["DOC"]


async def test_the_log_pages_lose_no_line_while_others_are_added(catalogue: House):
    identity, subject = await somebody(catalogue)
    for _ in range(7):
        await by_matter(catalogue, identity)
    seen, cursor = [], None
    while True:
        params = {"limit": 3} | ({} if cursor is None else {"cursor": cursor})
        page = (await get(catalogue, person(subject), "/v1/me/accesses", **params)).json()
        seen += [line["access"] for line in page["items"]]
        await by_matter(catalogue, identity)
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == 7


async def test_another_persons_log_has_none_of_it(catalogue: House):
    identity, _ = await somebody(catalogue)
    _, other = await somebody(catalogue)
    await by_matter(catalogue, identity)
    assert await catalogue.log_of(other) == []


async def test_reading_the_log_is_in_the_log(catalogue: House):
    _, subject = await somebody(catalogue)
    await get(catalogue, person(subject), "/v1/me/accesses")
    (line,) = (await get(catalogue, person(subject), "/v1/me/accesses")).json()["items"]
    assert (line["purpose"], line["caller"], line["outcome"]) == ("own_accesses", "subject", "released")


async def test_a_place_in_the_log_says_nothing_of_others_lines(catalogue: House):
    _, subject = await somebody(catalogue)
    other = await somebody_else(catalogue, subject)
    for who in (subject, other, subject, other):
        await get(catalogue, person(who), "/v1/me/authorisations")
    first = (await get(catalogue, person(subject), "/v1/me/accesses", limit=1)).json()
    place = urlsafe_b64decode(first["next"] + "==").decode()
    assert place == first["items"][0]["access"]
    theirs = (await get(catalogue, person(other), "/v1/me/accesses", cursor=first["next"])).json()
    assert theirs["items"] == [], "a line of somebody else is no place in one's own log"


@pytest.mark.parametrize("cursor", ["x", "!!", "eA", "LTE" * 50, "MTIz" * 10])
async def test_a_cursor_of_ones_own_making_is_malformed_or_empty_and_never_a_fault(catalogue: House, cursor):
    _, subject = await somebody(catalogue)
    for path in ("/v1/me/accesses", "/v1/me/authorisations"):
        assert (await get(catalogue, person(subject), path, cursor=cursor)).status_code in {200, 400}
    assert (await get(catalogue, person(subject), "/v1/me/authorisations", cursor="x")).json()["code"] == "bad_cursor"


async def test_ones_own_side_names_the_nodes_above_which_hold_copies_and_keep_logs_of_their_own(catalogue: House):
    """One that was taken out as well: what it holds is looked at there all the same."""
    nodes = [
        a_node("province", 5, place="above"),
        a_node("former", 6, place="above", active=False),
        a_node("district", 7, place="below"),
    ]
    catalogue.follow(a_directory(ITEMS, nodes=nodes))
    _, subject = await somebody(catalogue)
    for path in ("/v1/me/file", "/v1/me/accesses", "/v1/me/export"):
        assert (await get(catalogue, person(subject), path)).json()["copies_at"] == ["former", "province"]


async def test_ones_own_side_names_every_node_above_by_way_of_those_that_are_neighbours(catalogue: House):
    """Whoever is told of is one above a neighbour: of one that is none any more nothing leads up."""
    catalogue.follow(a_directory(ITEMS, nodes=[a_node("province", 5, place="above"), a_node("other", 6)]))
    _, subject = await somebody(catalogue)
    await catalogue.hear_chain("province", "province")
    await catalogue.hear_chain("province", "province", "region", "nation")
    await catalogue.hear_chain("other", "other", "empire")
    for path in ("/v1/me/file", "/v1/me/accesses", "/v1/me/export"):
        assert (await get(catalogue, person(subject), path)).json()["copies_at"] == ["province", "region", "nation"]


async def test_an_export_has_the_file_the_authorisations_and_the_accesses(catalogue: House):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject)
    await catalogue.load(fine)
    given = await authorised(catalogue, subject)
    decision = (await by_matter(catalogue, identity)).json()["decision_id"]
    body = (await get(catalogue, person(subject), "/v1/me/export")).json()
    assert [each["record"] for each in body["records"]] == [str(fine.record)]
    assert [each["id"] for each in body["authorisations"]] == [given]
    assert [each["access"] for each in body["accesses"]] == [decision]
    assert (await catalogue.log_of(subject))[0]["purpose"] == "own_export"


async def test_an_export_is_whole_and_read_some_lines_at_a_time_with_no_session_kept(catalogue: House):
    _, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject))
    given = [await authorised(catalogue, subject) for _ in range(130)]
    for _ in range(250):
        await get(catalogue, person(subject), "/v1/me/accesses?limit=1")
    async with catalogue.database.session() as session:
        rows = await session.fetch("select id from query.access where key = $1 order by entry desc", str(subject))
    ctx = catalogue.context(person(subject))
    document = await own_file.own_export(ctx, subject)
    await ctx.commit()
    pieces = []
    async for piece in document:
        pieces.append(piece)
        assert piece.count(b'"access":') <= 100
        async with asyncio.timeout(60):
            sessions = [await catalogue.equipment.pool.acquire() for _ in range(catalogue.equipment.pool.size)]
        for session in sessions:
            await catalogue.equipment.pool.release(session)
    told = ExportOut.model_validate_json(b"".join(pieces))
    assert len(told.accesses) == 250
    assert [line.access for line in told.accesses] == [row["id"] for row in rows]
    assert sorted(str(each.id) for each in told.authorisations) == sorted(map(str, given))
    assert len(told.records) == 1


async def test_exports_that_are_left_or_fail_in_the_middle_keep_no_session(catalogue: House):
    _, subject = await somebody(catalogue)
    for _ in range(101):
        await get(catalogue, person(subject), "/v1/me/accesses?limit=1")
    pool = catalogue.equipment.pool

    async def taken(trouble: Callable[[asyncpg.Connection], Awaitable[object]]) -> None:
        """An export whose second page waits for a table until there is trouble with the one who reads it."""
        ctx = catalogue.context(person(subject))
        document = await own_file.own_export(ctx, subject)
        await ctx.commit()
        await ctx.close()
        sent = []

        async def receive() -> dict[str, str]:
            await eventually(lambda: waiting(database))
            await trouble(database)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        async with catalogue.database.session() as database, database.transaction():
            await database.execute("lock table query.access")
            await StreamingResponse(document)({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
        assert sent[-1]["more_body"]

    for _ in range(pool.size):
        await taken(left)
    async with asyncio.timeout(60):
        sessions = [await pool.acquire() for _ in range(pool.size)]
    for session in sessions:
        await pool.release(session)
    with pytest.raises(DatabaseError):
        await taken(cut_off)
    async with asyncio.timeout(60):
        sessions = [await pool.acquire() for _ in range(pool.size)]
    for session in sessions:
        await pool.release(session)


_WAITING = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


async def waiting(database: asyncpg.Connection) -> bool:
    return bool(await database.fetch(_WAITING))


async def left(database: asyncpg.Connection) -> None:
    """The client goes away."""


async def cut_off(database: asyncpg.Connection) -> None:
    """The server ends the session, and the client waits."""
    await database.execute(f"select pg_terminate_backend(pid) from ({_WAITING}) as waiting")
    await asyncio.Event().wait()


ROUTES = [
    ("GET", "/v1/me/file"), ("GET", "/v1/me/accesses"), ("GET", "/v1/me/export"), ("GET", "/v1/me/authorisations"),
    ("POST", "/v1/me/authorisations"), ("DELETE", f"/v1/me/authorisations/{NOBODYS}"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_persons_side_is_the_persons_alone(catalogue: House, method, path):
    everything = frozenset({"me:read", "me:authorise"})
    for caller in (department(scopes=everything), bureau(scopes=everything)):
        async with catalogue.client(caller) as client:
            assert (await client.request(method, path)).status_code == 403
    async with catalogue.client() as client:
        assert (await client.request(method, path)).status_code in {401, 403}
