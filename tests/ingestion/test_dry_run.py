"""A dry run says what would become of the rows, and leaves nothing: no record, no review, nobody whom they name."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import orjson
import pytest

from creditmesh.chassis.vault.subjects import Vault
from creditmesh.ingestion.operations.submitting import submission_run
from creditmesh.schemas.rules.identity import Identity, identify
from tests.ingestion.conftest import PARTS, House
from tests.ingestion.rows import penalty, person_penalty, resident
from tests.ingestion.test_files import words
from tests.ingestion.test_one_decision import LICENCE, licence

TABLES = """
select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)' order by 1
"""


async def everything(house: House) -> dict[str, int]:
    """How many rows every table of the node has."""
    names = [row["name"] for row in await house.fetch(TABLES)]
    counted = " union all ".join(f"select '{name}' as name, count(*) as rows from {name}" for name in names)
    found = {row["name"]: row["rows"] for row in await house.fetch(counted)}
    assert {"vault.subject", "vault.identity", "vault.known", "vault.split"} <= set(found)
    return found


def anew(house: House) -> Vault:
    """The vault as another process of an upgraded node has it: nobody in memory."""
    return Vault(house.database.pool("ingestion", size=2), house.equipment.keys, parts=PARTS, upgraded=True)


def who(number: str) -> Identity:
    found = identify("natural_person", "resident_id", number)
    assert isinstance(found, Identity)
    return found


async def known_by_a_former_value(house: House, number: str) -> UUID:
    """Somebody whom this node knows as the version before decision 30 knew them."""
    subject = uuid4()
    text = f"natural_person|resident_id|{number}".encode()
    async with house.database.session() as session:
        part = crc32(str(subject).encode()) % PARTS
        await session.execute("insert into vault.subject (id, part) values ($1, $2)", subject, part)
        await session.execute(
            "insert into vault.identity (index, subject, key_id, alg) values ($1, $2, 'k', 'a')",
            house.equipment.keys.mac("index", text),
            subject,
        )
    return subject


async def dry(house: House, rows: list[dict[str, str]], **more: Any) -> list[dict[str, Any]]:
    answer = await house.submit(rows, dry_run=True, **more)
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def test_a_dry_run_leaves_nothing_in_any_table_of_the_node(house: House, monkeypatch: pytest.MonkeyPatch):
    known, asked, former, new = (person_penalty(house.number()) for _ in range(4))
    closed, firm = penalty(house.number()), penalty(house.number(), CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(901))
    await house.submit([known, closed])
    (record,) = [each["record"] for each in await dry(house, [closed])]
    async with house.client() as client:
        body = {"reason": "error"}
        await client.post(f"/v1/records/{record}/withdrawal", json=body, headers={"If-Match": '"1"'})
    await house.equipment.vault.resolve([who(asked["CF_XDR_ZJHM"])])
    subject = await known_by_a_former_value(house, former["CF_XDR_ZJHM"])
    await house.equipment.vault.open([subject])
    monkeypatch.setattr(house, "equipment", replace(house.equipment, vault=anew(house)))
    rows = [
        known, known | {"CF_SY": "更正"}, closed | {"BZ": "新"}, asked, former, former | {"CF_WSH": "示罚〔2026〕7号"},
        new, new | {"CF_SY": "更正"}, firm, person_penalty(house.number(), CF_NR_FK="2000"), penalty(1, CF_WSH=""),
    ]  # fmt: skip
    before = await everything(house)
    monkeypatch.setattr(submission_run, "CHUNK", 3)
    said = await dry(house, rows, key="a dry run of everybody")
    single = await house.submit(person_penalty(house.number()), dry_run=True)
    assert (single.status_code, single.json()["verdict"]) == (200, "accepted")
    assert await everything(house) == before
    assert [each["verdict"] for each in said] == [
        "unchanged", "corrected", "refused", "accepted", "accepted", "accepted", "accepted", "corrected", "accepted",
        "held", "refused",
    ]  # fmt: skip
    answer = await house.submit(rows)
    real = [orjson.loads(line) for line in answer.content.splitlines()][:-1]
    assert words(real) == words(said)
    assert (await everything(house))["vault.subject"] > before["vault.subject"]
    (told,) = await house.events(real[4]["record"])
    assert told.subject == subject, "the dry run hid nobody who was known"


async def test_a_dry_run_shows_the_ids_of_what_stands_and_of_nothing_else(house: House):
    row, new = penalty(house.number()), penalty(house.number())
    record = (await house.submit(row)).json()["record"]
    said = await dry(house, [row, new, new, new | {"BZ": "二"}, new])
    assert [each.get("record") for each in said] == [record, None, None, None, None]


async def test_the_rev_of_a_dry_run_is_the_number_that_the_revision_would_have(house: House):
    row, new = penalty(house.number()), penalty(house.number())
    await house.submit(row)
    rows = [row | {"BZ": "二"}, new, new | {"BZ": "二"}]
    assert [each["rev"] for each in await dry(house, rows)] == [2, 1, 2]
    real = [orjson.loads(line) for line in (await house.submit(rows)).content.splitlines()][:-1]
    assert [(each["rev"], "record" in each) for each in real] == [(2, True), (1, True), (2, True)]


@pytest.mark.parametrize("chunk", [1, 2, 1000])
async def test_a_dry_run_sees_what_its_earlier_rows_would_have_made(
    house: House, monkeypatch: pytest.MonkeyPatch, chunk: int
):
    """Under an item whose key may be shorter: the first licence is where the second's record may have been before."""
    monkeypatch.setattr(submission_run, "CHUNK", chunk)
    number = house.number()
    rows = [
        licence(number, certificate=certificate, decision=f"示许〔2026〕{number}号")
        for certificate in (None, "示证1号", "示证2号", "示证1号")
    ]
    said = words(await dry(house, rows, item=LICENCE))
    answer = await house.submit(rows, item=LICENCE)
    assert words([orjson.loads(line) for line in answer.content.splitlines()][:-1]) == said
