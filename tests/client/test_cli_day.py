"""A day with the command, at a real node: what a department, its officers, a bureau, a person, an enterprise do."""

import asyncio
import csv
import json
import os
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn

from tests.client.desk import Desk
from tests.support.cast import BUREAU, DEFAULTER, ISSUER, ITEM, MATTER, assembled, defaulter, penalty, resident, uscc
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres

PDF = b"%PDF-1.7\n%%EOF"


@pytest.fixture(scope="module")
async def city(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    async with running(postgres, tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest.fixture(scope="module")
async def desk(city: TestNode) -> AsyncIterator[Desk]:
    """The node's gateway on a loopback port, and everybody who calls."""
    config = uvicorn.Config(city.host.public_app, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    cast = await assembled(city)
    await cast.person("enterprise", uscc(7), kind="organisation", document="uscc")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield Desk(f"http://127.0.0.1:{listener.getsockname()[1]}", cast)
        server.should_exit = True
        await serving


def export(file: Path, rows: list[dict[str, str]]) -> Path:
    """What a department's system writes every night."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(dict.fromkeys(code for row in rows for code in row)))
        writer.writeheader()
        writer.writerows(rows)
    return file


def penalised(desk: Desk, number: int, **changes: str | None) -> dict[str, str]:
    return penalty(f"示市监罚〔2026〕{number}号", today=desk.cast.today, **changes)


async def test_before_the_first_file_a_template_its_fields_and_their_values_are_looked_up_without_a_key(desk, tmp_path):
    items = await desk.does(None, "templates list --json")
    assert ITEM in {each["code"] for each in items.lines}
    await desk.does(None, f"templates csv {ITEM} --out", tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text(encoding="utf-8-sig").startswith("CF_XDR_MC,")
    assert "行政相对人名称" in (await desk.does(None, f"templates csv {ITEM} --header zh")).stdout
    fields = {each["code"]: each for each in (await desk.does(None, f"templates fields {ITEM} --json")).lines}
    assert fields["CF_WSH"]["required"]
    assert any("罚款" in value for value in fields["CF_CFLB"]["values"])


async def test_a_departments_night_job_and_the_morning_after(desk, city, tmp_path):
    first, fine = penalised(desk, 1), penalised(desk, 1, CF_NR_FK="0.3", CF_NR="罚款3000元")
    file = export(tmp_path / "penalties.csv", [first, penalised(desk, 2), penalised(desk, 3, CF_JDRQ="2999-01-01")])
    sent = await desk.does("owner", "submit --json --verdicts", tmp_path / "night.ndjson", file, ends=1)
    assert (sent.document["item"], sent.document["accepted"], sent.document["refused"]) == (ITEM, 2, 1)
    assert ITEM in sent.stderr  # it was found from the header, and is said

    submission = sent.document["receipts"][0]["submission"]
    listed = await desk.does("owner", f"submissions list --item {ITEM} --json")
    assert submission in {each["submission"] for each in listed.lines}
    assert (await desk.does("owner", f"submissions show {submission} --json")).document["state"] == "done"
    await desk.does("owner", f"submissions verdicts {submission} --out", tmp_path / "again.ndjson")
    assert (tmp_path / "again.ndjson").read_bytes() == (tmp_path / "night.ndjson").read_bytes()
    await desk.does("owner", f"submissions receipt {submission} --out", tmp_path / "again.receipt.json")
    await _receipts_verify(desk, tmp_path, Path(sent.document["receipt_files"][0]), tmp_path / "again.receipt.json")

    search = f"records find --number {first['CF_WSH']} --issuer {ISSUER} --json"
    (found,) = (await desk.does("owner", search)).lines
    standing = (await desk.does("owner", f"records show {found['record']} --json")).document
    assert standing["fields"]["CF_XDR_ZJHM"] == first["CF_XDR_ZJHM"]
    changed = f"records correct {found['record']} --set CF_NR_FK=0.3 --set CF_NR=罚款3000元 --json"
    unsaid = await desk.does("owner", changed, ends=2)
    assert "--reason" in unsaid.stderr, "why it changes is said by whoever changes it"
    changed += " --reason error"
    assert (await desk.does("owner", changed)).document["verdict"] == "corrected"
    stale = await desk.does("owner", f"{changed} --rev {found['rev']} --set BZ=x", ends=2)
    assert stale.document["error"]["status"] == 412
    history = await desk.does("owner", f"records show {found['record']} --revisions --json")
    assert [each["change"] for each in history.lines] == ["accepted", "corrected"]

    back = await desk.does("owner", "submit --no-save --json", export(file, [first]))
    assert (back.document["unchanged"], back.document["noticed"]) == (1, {"superseded": 1})
    assert "历史内容" in back.stderr
    withdrawal = f"records withdraw {found['record']} --reason revoked --basis 示市监撤〔2026〕1号 --json"
    assert (await desk.does("owner", withdrawal)).document["state"] == "withdrawn"
    still = await desk.does("owner", "submit --no-save --json", export(file, [fine]))
    assert still.document["noticed"] == {"record_ended": 1}
    assert "已撤销" in still.stderr
    (ended,) = (await desk.does("owner", f"records find --item {ITEM} --state withdrawn --json")).lines
    assert ended["record"] == found["record"]

    assert (await desk.does("owner", "quality --json")).document["items"]
    assert ITEM in (await desk.does("owner", f"quality --item {ITEM}")).stdout


async def test_a_day_on_which_nothing_was_decided_is_sent_and_has_its_receipt(desk, tmp_path):
    file, verdicts = tmp_path / "quiet.csv", tmp_path / "quiet.ndjson"
    file.write_text(",".join(penalised(desk, 9)) + "\n", encoding="utf-8")
    sent = await desk.does("owner", "submit --json --verdicts", verdicts, file)
    (receipt,) = sent.document["receipts"]
    assert (receipt["rows"], receipt["accepted"], verdicts.read_bytes()) == (0, 0, b"")
    shown = (await desk.does("owner", f"submissions show {receipt['submission']} --json")).document
    assert (shown["state"], shown["total"]) == ("done", 0)
    (kept,) = map(Path, sent.document["receipt_files"])
    await desk.does("owner", f"submissions receipt {receipt['submission']} --out", tmp_path / "again.receipt.json")
    assert json.loads(kept.read_bytes()) == json.loads((tmp_path / "again.receipt.json").read_bytes())
    file.write_text("登记号,登记日\n", encoding="utf-8")
    other = await desk.does("owner", f"submit --json --item {ITEM}", file, ends=2)
    assert "no rows" in other.document["error"]["detail"]


async def _receipts_verify(desk: Desk, folder: Path, *files: Path) -> None:
    parties = (await desk.cast.door().get("/v1/catalogue/parties", params={"limit": 200})).json()["items"]
    (own,) = [party for party in parties if party["code"] == "city"]
    key = next(each["public"] for each in own["keys"] if each["use"] == "node")
    for file in files:
        night = folder / "night.ndjson"
        verified = await desk.does(None, "verify --json --public", key, "--verdicts", night, file)
        assert (verified.document["kind"], verified.document["publics"]) == ("receipt", [key])
    unknown = await desk.does(None, "verify --json", files[0], ends=2)  # `submit` keeps no key of anybody
    assert "--public" in unknown.document["error"]["detail"]
    assert not Path(os.environ["CREDITMESH_PINS"]).exists()  # noqa: ASYNC240 - one look
    wrong = await desk.does(None, "verify --json --public", key, "--verdicts", files[0], files[0], ends=1)
    assert wrong.document["error"]["code"] == "digest"


async def test_an_officer_releases_one_held_row_and_refuses_another(desk, tmp_path):
    wrong = resident(3)[:-1] + ("0" if resident(3)[-1] != "0" else "1")
    rows = [penalised(desk, 11, CF_XDR_ZJHM=wrong), penalised(desk, 12, CF_XDR_ZJHM=wrong)]
    sent = await desk.does("owner", "submit --no-save --json", export(tmp_path / "rows.csv", rows))
    assert sent.document["held"] == 2
    first, second = [each["review"] for each in (await desk.does("officer", "reviews list --json")).lines][-2:]
    assert (await desk.does("officer", f"reviews show {first} --json")).document["fields"]["CF_XDR_ZJHM"] == wrong
    released = await desk.does("officer", f"reviews release {first} --note checked --json")
    assert released.document["verdict"] == "accepted"
    rejected = await desk.does("officer", f"reviews refuse {second} --json")
    assert rejected.document["verdict"] == "refused"
    assert second in (await desk.does("officer", "reviews list --state refused")).stdout


async def test_a_bureau_asks_by_what_a_person_permitted_and_the_person_sees_it(desk, tmp_path):
    await desk.does("owner", "submit --no-save --json", export(tmp_path / "rows.csv", [penalised(desk, 21)]))
    until = desk.cast.today + timedelta(days=30)
    permitted = f"authorisations give --bureau {BUREAU} --purpose credit_assessment --item {ITEM} --uses 2"
    token = tmp_path / "permission.jws"
    given = await desk.does("person", f"{permitted} --until {until} --json --token-out", token)
    assert token.stat().st_mode & 0o077 == 0
    authorisation = given.document["id"]
    handed = await desk.does("bureau", "authorisations hand-in --json", token)
    assert handed.document["id"] == authorisation
    query = f"query --purpose credit_assessment --authorisation {authorisation} --officer B-3 --subject - --json"
    answer = await desk.does("bureau", query, stdin=resident(1))
    assert {each["item"] for each in answer.document["released"]} == {ITEM}
    assert (await desk.does("bureau", f"authorisations show {authorisation} --json")).document["uses"] == 1

    assert (await desk.does("person", "me file --json")).document["records"]
    looks = (await desk.does("person", "me accesses --json")).lines
    assert BUREAU in {each["party"] for each in looks if "access" in each}
    await desk.does("person", "me export --out", tmp_path / "mine.json")
    assert (tmp_path / "mine.json").stat().st_mode & 0o077 == 0
    assert json.loads((tmp_path / "mine.json").read_text())["records"]
    assert authorisation in (await desk.does("person", "authorisations list")).stdout
    await desk.does("person", f"authorisations revoke {authorisation}")
    refused = await desk.does("bureau", query, stdin=resident(1), ends=2)
    assert refused.document["error"]["status"] == 403


async def test_a_department_screens_asks_and_applies_the_measure_it_has_a_task_for(desk, tmp_path):
    (tmp_path / "list.ndjson").write_text(json.dumps(defaulter("(2026)示0101执0041号", today=desk.cast.today)) + "\n")
    sent = await desk.does("court", "submit --no-save --json", tmp_path / "list.ndjson")
    assert (sent.document["item"], sent.document["accepted"]) == (DEFAULTER, 1)
    (tmp_path / "bidders.csv").write_text(f"number\n{uscc(41)}\n")
    screened = await desk.does("asker", f"screen --matter {MATTER} --officer W-17 --json", tmp_path / "bidders.csv")
    assert screened.document["restricted"] == 1
    query = f"query --code {uscc(41)} --purpose statutory_duty --matter {MATTER} --officer W-17"
    assert DEFAULTER in (await desk.does("asker", query)).stdout
    task = (await desk.does("asker", "tasks list --json")).lines[0]
    assert (await desk.does("asker", f"tasks show {task['id']} --json")).document["subject"]["number"] == uscc(41)
    unexplained = await desk.does("asker", f"tasks answer {task['id']} --outcome not_executed --officer W-17", ends=2)
    assert [said for said in ("say why not", "说明原因") if said not in unexplained.stderr] == []
    answered = await desk.does("asker", f"tasks answer {task['id']} --outcome applied --officer W-17 --json")
    assert answered.document["outcome"] == "applied"
    assert task["id"] in (await desk.does("asker", "tasks list --state answered")).stdout


async def test_a_person_objects_the_body_upholds_it_and_the_certificate_verifies(desk, tmp_path):
    row = penalised(desk, 31)
    await desk.does("owner", "submit --no-save --json", export(tmp_path / "rows.csv", [row]))
    (found,) = (await desk.does("owner", f"records find --number {row['CF_WSH']} --json")).lines
    filed = f"cases open --kind objection --record {found['record']} --wanted remove --json"
    case = (await desk.does("person", filed, stdin="处罚决定已撤销")).document["case"]
    (tmp_path / "proof.pdf").write_bytes(PDF)
    proof = await desk.does("person", f"cases attach {case} --kind proof --json", tmp_path / "proof.pdf")
    assert case in {each["case"] for each in (await desk.does("person", "cases list --json")).lines}

    assert case in {each["case"] for each in (await desk.does("officer", "cases list --kind objection --json")).lines}
    document = f"cases document {case} {proof.document['digest']} --out"
    await desk.does("officer", document, tmp_path / "theirs.pdf")
    assert (tmp_path / "theirs.pdf").read_bytes() == PDF
    accepted = await desk.does("officer", f"cases act {case} accept --json")
    assert accepted.document["state"] == "accepted"
    await desk.does("officer", f"cases act {case} approve --remedy withdraw --basis 示市监撤〔2026〕2号")
    assert (await desk.does("person", f"cases show {case} --json")).document["state"] == "approved"
    await desk.does("person", f"cases certificate {case} --out", tmp_path / "certificate.json")
    verified = await desk.does(None, "verify --json", tmp_path / "certificate.json")
    assert (verified.document["kind"], verified.document["case"]) == ("certificate", case)


async def test_an_enterprise_appeals_and_the_credit_office_decides(desk, tmp_path):
    person = ("CF_XDR_ZJLX", "CF_XDR_ZJHM")
    firm = {
        "CF_XDR_LB": "法人及非法人组织",
        "CF_XDR_SHXYM": uscc(7),
        "CF_FRDB": "样某丙",
        "CF_XDR_MC": "示例贸易有限公司",
    }
    row = penalised(desk, 41, **dict.fromkeys(person), **firm)
    sent = await desk.does("owner", "submit --no-save --json", export(tmp_path / "rows.csv", [row]))
    assert sent.document["accepted"] == 1, sent.stdout
    (own,) = (await desk.does("enterprise", "me file --json")).document["records"]
    filed = f"cases open --kind objection --record {own['record']} --json"
    case = (await desk.does("enterprise", filed, stdin="事实不清")).document["case"]
    (tmp_path / "proof.pdf").write_bytes(PDF)
    await desk.does("enterprise", f"cases attach {case} --kind proof", tmp_path / "proof.pdf")
    await desk.does("officer", f"cases act {case} accept")
    (tmp_path / "why.txt").write_text("事实清楚", encoding="utf-8")
    await desk.does("officer", f"cases act {case} refuse --reason-file", tmp_path / "why.txt")
    await desk.does("enterprise", f"cases act {case} appeal --reason-file -", stdin="请复核")
    waiting = (await desk.does("office", "cases list --state appealed --json")).lines
    assert case in {each["case"] for each in waiting}
    decided = await desk.does("office", f"cases act {case} refuse --json --reason-file", tmp_path / "why.txt")
    assert decided.document["final"]
