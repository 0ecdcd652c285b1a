"""`creditmesh submit`, as a department's machine runs it: a process of its own against a node over HTTP."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.responses import JSONResponse
from typer.testing import CliRunner

from creditmesh.client.cli import app
from creditmesh.schemas.publications import ItemEntry
from tests.client.remote import ITEM, ITSELF, KEY, problem
from tests.ingestion.rows import items

NUMBER, NAME = "990000199001011234", "金丝雀"
RECEIPT = re.compile(r"\.[0-9a-f-]{36}\.receipt\.json$")
COMMAND = [str(Path(sys.executable).with_name("creditmesh")), "submit"]


def table(tmp_path, words, *, charset="utf-8", name="处罚.csv"):
    text = io.StringIO()
    csv.writer(text).writerows(
        [["CF_XDR_MC", "CF_XDR_ZJHM", "文号", "VERDICT"]]
        + [[NAME, NUMBER, f"罚字〔{n}〕号", word] for n, word in enumerate(words)]
    )
    file = tmp_path / name
    file.write_bytes(text.getvalue().encode(charset))
    return file


def environment(remote, **more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CREDITMESH_")}
    return clean | {"CREDITMESH_URL": remote.url, "CREDITMESH_KEY": KEY, "COLUMNS": "200"} | more


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(remote, *arguments, **env):
    """The command in this process: a process of its own takes a second, and only some tests need one."""
    line = ["submit", *map(str, arguments)]
    done = CliRunner().invoke(app, line, env=environment(remote, **env), catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


def left(folder):
    """What stands in a folder; receipts by what they are of, for each has its submission in its name."""
    return sorted(RECEIPT.sub(".receipt.json", path.name) for path in folder.iterdir())


def receipts_in(folder):
    return sorted(folder.glob("*.receipt.json"))


def test_all_stored_is_exit_code_0_with_the_receipt_beside_and_nothing_to_resume(remote, tmp_path):
    file = table(tmp_path, ["accepted", "unchanged", "corrected"], charset="gb18030")
    done = run(remote, file, "--item", ITEM)
    assert done.returncode == 0, done.stderr
    assert remote.submissions[0].headers["content-type"] == "text/csv; charset=gb18030"
    assert left(tmp_path) == ["处罚.csv", "处罚.csv.receipt.json"]
    (file,) = receipts_in(tmp_path)
    receipt = json.loads(json.loads(file.read_text())["signed"])
    assert receipt["rows"] == 3
    assert receipt["submission"] in file.name
    assert str(file) in done.stdout


def test_held_rows_alone_are_exit_code_0_with_a_notice(remote, tmp_path):
    done = run(remote, table(tmp_path, ["accepted", "held"]), "--item", ITEM)
    assert done.returncode == 0
    assert "待审核" in done.stderr
    assert "held until an officer decides: 1;" in done.stderr


def test_refused_rows_are_exit_code_1_and_the_summary_gives_reasons_in_both_languages_with_rows_for_example(
    remote, tmp_path
):
    done = run(remote, table(tmp_path, ["accepted", *["refused"] * 7, "held"]), "--item", ITEM)
    assert done.returncode == 1
    for part in ("已拒绝", "refused", "晚于今日", "lies after today", "[future_date]", "/CF_JDRQ", "2, 3, 4, 5, 6 …"):
        assert part in done.stdout
    assert "校验码不符" in done.stdout


def test_json_is_one_document_for_programs_and_every_verdict_goes_to_its_file(remote, tmp_path):
    out = tmp_path / "out.ndjson"
    file = table(tmp_path, ["accepted", "refused"])
    done = run(remote, file, "--item", ITEM, "--json", "--verdicts", out)
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["accepted"], summary["refused"]) == (2, 1, 1)
    assert summary["reasons"][0]["rows"] == [2]
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["row"], line["verdict"]) for line in lines] == [(1, "accepted"), (2, "refused")]
    assert left(tmp_path) == ["out.ndjson", "out.ndjson.receipt.json", "处罚.csv"]


def test_a_dry_run_stores_nothing_and_leaves_nothing(remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    done = run(remote, file, "--item", ITEM, "--dry-run")
    assert done.returncode == 0
    assert "dry_run=true" in remote.submissions[0].path
    assert remote.stored == {}
    assert "试运行" in done.stderr
    assert left(tmp_path) == ["处罚.csv"]


def test_a_dry_run_leaves_a_broken_submission_where_it_stood(remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    remote.busy = [{"Retry-After": "3600"}]
    run(remote, file, "--item", ITEM)
    assert run(remote, file, "--item", ITEM, "--dry-run").returncode == 0
    assert run(remote, file, "--item", ITEM).returncode == 0
    first, _, last = (asked.key for asked in remote.submissions)
    assert first == last


def test_a_receipt_that_cannot_be_written_does_not_fail_what_was_stored(remote, tmp_path):
    file = table(tmp_path, ["accepted"], name="a" * 215 + ".csv")  # its receipt's name is longer than one may be
    done = run(remote, file, "--item", ITEM)
    assert done.returncode == 0
    assert len(remote.stored) == 1
    assert "creditmesh submissions receipt" in done.stderr


def test_the_receipt_of_last_night_stays_beside_the_one_of_tonight(remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    for _ in range(2):
        assert run(remote, file, "--item", ITEM).returncode == 0
    submissions = {json.loads(json.loads(each.read_text())["signed"])["submission"] for each in receipts_in(tmp_path)}
    assert len(submissions) == 2


def test_with_no_save_nothing_is_left_beside_the_file(remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    remote.busy = [{"Retry-After": "3600"}]
    assert run(remote, file, "--item", ITEM, "--no-save").returncode == 2
    assert run(remote, file, "--item", ITEM, "--no-save").returncode == 0
    assert len(remote.stored) == 1
    assert left(tmp_path) == ["处罚.csv"]


def test_a_connection_that_breaks_is_taken_up_again(remote, tmp_path):
    remote.breaks = [2]
    done = run(remote, table(tmp_path, ["accepted"] * 4), "--item", ITEM, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 4
    assert len({asked.key for asked in remote.submissions}) == 1


def test_after_a_node_that_did_not_come_back_the_same_command_goes_on_under_the_same_key(remote, tmp_path):
    file = table(tmp_path, ["accepted"] * 4)
    remote.busy = [{"Retry-After": "3600"}]
    broken = run(remote, file, "--item", ITEM)
    assert broken.returncode == 2
    assert "中断" in broken.stderr
    assert left(tmp_path) == ["处罚.csv", "处罚.csv.resume.json"]
    again = run(remote, file, "--item", ITEM)
    assert again.returncode == 0
    assert "继续" in again.stderr
    assert len({asked.key for asked in remote.submissions}) == 1
    assert left(tmp_path) == ["处罚.csv", "处罚.csv.receipt.json"]
    third = run(remote, file, "--item", ITEM)
    assert third.returncode == 0
    assert len(remote.stored) == 2


def test_what_an_earlier_version_remembered_is_gone_on_with(remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    remote.busy = [{"Retry-After": "3600"}]
    run(remote, file, "--item", ITEM)
    kept = tmp_path / "处罚.csv.resume.json"
    kept.write_text(kept.read_text(encoding="utf-8").replace('"idempotency_key"', '"key"'), encoding="utf-8")
    assert run(remote, file, "--item", ITEM).returncode == 0
    assert len({asked.key for asked in remote.submissions}) == 1


def test_a_changed_file_is_another_submission_and_not_the_rest_of_a_broken_one(remote, tmp_path):
    remote.busy = [{"Retry-After": "3600"}]
    run(remote, table(tmp_path, ["accepted"]), "--item", ITEM)
    assert "处罚.csv.resume.json" in left(tmp_path)
    done = run(remote, table(tmp_path, ["accepted", "accepted"]), "--item", ITEM)
    assert done.returncode == 0
    assert len({asked.key for asked in remote.submissions}) == 2


def test_interrupted_it_says_how_to_go_on_and_does(remote, tmp_path):
    file = table(tmp_path, ["accepted"] * 3)
    out = tmp_path / "out.ndjson"
    arguments = [*COMMAND, str(file), "--item", ITEM, "--verdicts", str(out)]
    remote.stall = True
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=environment(remote))  # noqa: S603
    try:
        deadline = time.monotonic() + 60
        while not remote.submissions:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "续传" in errors
    assert "Traceback" not in errors
    assert left(tmp_path) == ["out.ndjson.resume.json", "处罚.csv"]
    remote.stall = False
    assert run(remote, file, "--item", ITEM, "--verdicts", out).returncode == 0
    assert len(remote.stored) == 1
    assert len(out.read_text().splitlines()) == 3


def test_a_problem_is_told_in_both_languages_with_field_rule_and_remedy(remote, tmp_path):
    errors = [{"pointer": "header/2", "code": "unknown_column", "detail": "Remove it.", "detail_zh": "请删除。"}]
    remote.answers[f"/v1/items/{ITEM}/records?lane=live"] = problem(
        422,
        "bad_header",
        "The header does not fit",
        "表头不符",
        detail="Use the template.",
        detail_zh="请用模板。",
        errors=errors,
    )
    file = table(tmp_path, ["accepted"])
    done = run(remote, file, "--item", ITEM)
    assert done.returncode == 2
    for part in (
        "bad_header",
        "表头不符",
        "header/2",
        "unknown_column",
        "Remove it.",
        "请删除。",
        "req-1",
        "请用模板。",
    ):
        assert part in done.stderr
    assert left(tmp_path) == ["处罚.csv"]
    told = json.loads(run(remote, file, "--item", ITEM, "--json").stdout)
    assert told["error"]["code"] == "bad_header"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["missing.csv", "--item", ITEM], "missing.csv"),
        (["book.xlsx", "--item", ITEM], "workbook"),
        (["处罚.csv", "--item", ITEM, "--charset", "latin-1"], "gb18030"),
        (["处罚.csv", "--item", ITEM, "--sandbox", "housing"], "make run"),
        (["处罚.csv", "--item", ITEM, "--key-file", "nowhere"], "nowhere"),
        (["处罚.csv", "--item", ITEM, "--verdicts", "no/such/folder/out.ndjson"], "cannot be written"),
        (["处罚.csv", "--item"], "--item"),
    ],
)
def test_what_is_wrong_on_this_side_is_exit_code_2_and_nothing_is_sent(remote, tmp_path, monkeypatch, arguments, word):
    monkeypatch.chdir(tmp_path)
    table(tmp_path, ["accepted"])
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    done = run(remote, *arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert remote.asked == []


def test_a_wrong_key_is_told_and_never_shown(remote, tmp_path):
    done = run(remote, table(tmp_path, ["accepted"]), "--item", ITEM, CREDITMESH_KEY="cm_wrong_key")
    assert done.returncode == 2
    assert "需要有效的凭证" in done.stderr
    assert "cm_wrong_key" not in done.stdout + done.stderr


def test_a_key_on_the_command_line_works_and_is_discouraged_and_one_in_a_file_is_not(remote, tmp_path):
    file = table(tmp_path, ["accepted"])
    done = run(remote, file, "--item", ITEM, "--key", KEY, CREDITMESH_KEY="cm_other")
    assert done.returncode == 0
    assert "--key-file" in done.stderr
    (tmp_path / "key").write_text(f"{KEY}\n")
    done = run(remote, file, "--item", ITEM, "--key-file", tmp_path / "key", CREDITMESH_KEY="")
    assert done.returncode == 0
    assert "--key-file" not in done.stderr


def test_a_caller_of_the_sandbox_is_found_by_name(remote, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    caller = {"name": "housing", "role": "department", "node": "city", "party": "p.housing", "token": KEY, "items": []}
    sandbox = {"nodes": {"city": {"url": remote.url, "tier": "city", "code": "city"}}, "callers": [caller]}
    (tmp_path / "var" / "sandbox.json").write_text(json.dumps(sandbox))
    file = table(tmp_path, ["accepted"])
    nothing = {"CREDITMESH_URL": "", "CREDITMESH_KEY": ""}
    assert run(remote, file, "--item", ITEM, "--sandbox", "housing", **nothing).returncode == 0
    unknown = run(remote, file, "--item", ITEM, "--sandbox", "nobody", **nothing)
    assert unknown.returncode == 2
    assert "housing" in unknown.stderr
    assert KEY not in unknown.stderr


@pytest.mark.parametrize(("breaks", "busy"), [([], []), ([1], []), ([], [{"Retry-After": "3600"}])])
def test_no_number_name_or_key_is_printed_or_left_in_any_file_of_ours(remote, tmp_path, breaks, busy):
    remote.breaks, remote.busy = breaks, busy
    file = table(tmp_path, ["accepted", "refused", "held"])
    line = [*COMMAND, str(file), "--item", ITEM, "--verdicts", str(tmp_path / "out.ndjson")]
    done = subprocess.run(line, check=False, capture_output=True, text=True, env=environment(remote), timeout=60)  # noqa: S603
    ours = [path.read_text() for path in tmp_path.iterdir() if path != file]
    assert ours
    for text in (done.stdout, done.stderr, *ours, *(asked.path for asked in remote.asked)):
        for secret in (NUMBER, NAME, KEY):
            assert secret not in text
    assert any(NUMBER.encode() in asked.body for asked in remote.asked)


def in_a_process(remote, *arguments, **env):
    """The command with its output in pipes, whose encoding is the machine's."""
    line = [*COMMAND, *arguments, "--item", ITEM]
    return subprocess.run(line, check=False, capture_output=True, env=environment(remote, **env), timeout=60)  # noqa: S603


@pytest.mark.parametrize("page", ["cp1252", "latin-1", "ascii", "cp437", "cp936"])
def test_output_in_any_code_page_leaves_the_exit_code_the_submissions(remote, tmp_path, page):
    env = {"PYTHONIOENCODING": page, "PYTHONUTF8": "0"}
    done = in_a_process(remote, str(table(tmp_path, ["accepted", "refused"])), **env)
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert b"accepted" in done.stdout
    missing = in_a_process(remote, str(tmp_path / "没有.csv"), **env)
    assert (missing.returncode, b"Traceback" in missing.stderr) == (2, False)


@pytest.mark.parametrize("page", ["ascii", "cp936"])
def test_what_a_program_reads_is_the_same_in_every_code_page(remote, tmp_path, page):
    file = table(tmp_path, ["accepted"]).rename(tmp_path / "处罚.csv")
    done = in_a_process(remote, str(file), "--json", PYTHONIOENCODING=page, PYTHONUTF8="0", LC_ALL="C.UTF-8")
    [receipt] = json.loads(done.stdout.decode())["receipt_files"]
    assert Path(receipt).exists(), receipt


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("处罚.csv".encode("gbk"), {"LC_ALL": "C.UTF-8"}),
        ("处罚.csv".encode(), {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
)
def test_a_file_whose_name_is_no_text_here_is_sent_and_gone_on_with_under_its_key(remote, tmp_path, name, env):
    file = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118 - a name in bytes
    os.rename(table(tmp_path, ["accepted"]), file)  # noqa: PTH104
    keys = []
    for _ in range(2):
        remote.busy = [{"Retry-After": "3600"}]
        lost = in_a_process(remote, file, **env)
        assert (lost.returncode, b"Traceback" in lost.stderr) == (2, False), lost.stderr
        keys.append(
            json.loads(Path(os.fsdecode(file + b".resume.json")).read_text(encoding="utf-8"))["idempotency_key"]
        )
    assert keys[0] == keys[1]
    done = in_a_process(remote, file, **env)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert len(receipts_in(tmp_path)) == 1


def test_what_is_remembered_and_kept_is_written_in_no_encoding_of_the_machines(remote, tmp_path):
    ours = ("creditmesh.client.cli.resume", "creditmesh.client.cli.submit")
    strict = ",".join(f"error::EncodingWarning:{module}" for module in ours)
    file = str(table(tmp_path, ["accepted"]))
    done = in_a_process(remote, file, PYTHONWARNDEFAULTENCODING="1", PYTHONWARNINGS=strict)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ("latin-1", ["--help"]),
        ("ascii", ["submit", "--help"]),
        ("cp936", ["records", "show", "wrong"]),
        ("ascii", ["me", "file"]),
    ],
)
def test_help_and_errors_in_any_code_page_end_as_they_would(remote, page, line):
    env = environment(remote, PYTHONIOENCODING=page, PYTHONUTF8="0", LC_ALL="C")
    done = subprocess.run([COMMAND[0], *line], check=False, capture_output=True, env=env, timeout=60)  # noqa: S603
    assert (done.returncode, b"Traceback" in done.stderr) == (0 if "--help" in line else 2, False), done.stderr


def test_what_is_in_a_pipe_has_whole_lines_whatever_the_width(remote, tmp_path):
    file = table(tmp_path, ["refused"])
    done = in_a_process(remote, str(file), COLUMNS="40", PYTHONIOENCODING="utf-8")
    text = done.stdout.decode()
    assert "…" not in text
    (remedy,) = [line for line in text.splitlines() if "[future_date]" in line]
    assert remedy.split("\t")[3].endswith("[future_date]")
    assert "lies after today" in remedy


def test_a_header_without_rows_is_no_error_and_has_its_receipt(remote, tmp_path):
    file = table(tmp_path, [])
    done = run(remote, file, "--item", ITEM, "--json")
    assert (done.returncode, json.loads(done.stdout)["rows"]) == (0, 0)
    assert len(remote.submissions) == 1
    assert len(json.loads(done.stdout)["receipt_files"]) == 1
    other = tmp_path / "other.csv"
    other.write_text("A,B\n")
    assert run(remote, other, "--item", ITEM).returncode == 2


def catalogue(remote, *items):
    """What the node has in force, for a caller of which nothing is known here."""
    entries = [ItemEntry.of(each).model_dump(mode="json") for each in items]
    remote.answers["/v1/catalogue/items"] = JSONResponse({"items": entries, "next": None})
    remote.answers["/v1/catalogue/parties"] = JSONResponse({"items": [], "next": None})
    for each in items:
        remote.answers[f"/v1/catalogue/items/{each.code}"] = JSONResponse(each.model_dump(mode="json"))


def test_the_item_is_found_from_the_header_where_one_fits(remote, tmp_path):
    catalogue(remote, ITSELF, items()["administrative_licence"], items()["judgment_defaulter"])
    done = run(remote, table(tmp_path, ["accepted"], charset="gb18030"), "--json")
    assert (done.returncode, json.loads(done.stdout)["item"]) == (0, ITEM)
    assert ITEM in done.stderr
    lines = tmp_path / "rows.ndjson"
    lines.write_text('{"CF_XDR_MC": "样某甲", "CF_WSH": "1", "VERDICT": "accepted"}\n')
    assert json.loads(run(remote, lines, "--json").stdout)["item"] == ITEM


def test_where_several_or_none_fit_they_are_named_and_nothing_is_sent(remote, tmp_path):
    catalogue(remote, ITSELF, ITSELF.model_copy(update={"code": "another_penalty"}))
    several = run(remote, table(tmp_path, ["accepted"]))
    assert (several.returncode, "another_penalty" in several.stderr, "--item" in several.stderr) == (2, True, True)
    other = tmp_path / "other.csv"
    other.write_text("A,B\n1,2\n")
    none = run(remote, other)
    assert (none.returncode, "none of them" in none.stderr) == (2, True)
    assert remote.submissions == []


def test_a_crash_shows_no_local_variables(remote, tmp_path):
    (tmp_path / "boom.py").write_text(
        "from creditmesh.client.cli import tally\n"
        "def boom(self, verdict): raise RuntimeError('boom')\n"
        "tally.Tally.add = boom\n"
        "from creditmesh.client.cli import app\napp()\n"
    )
    line = [sys.executable, str(tmp_path / "boom.py"), "submit", str(table(tmp_path, ["refused"])), "--item", ITEM]
    done = subprocess.run(line, check=False, capture_output=True, text=True, env=environment(remote), timeout=60)  # noqa: S603
    assert "boom" in done.stderr
    for secret in (NUMBER, NAME, KEY):
        assert secret not in done.stdout + done.stderr
