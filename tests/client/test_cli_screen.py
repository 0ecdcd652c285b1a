"""`creditmesh screen`: what applies to the subjects in a file, and nothing that says who they are."""

import csv
import json

import pytest

from tests.client.remote import KEY
from tests.client.test_cli_pull import run
from tests.support.cast import resident

NAME = "金丝雀"
LISTED, CLEAN = (
    next(number for number in map(resident, range(1, 99)) if (number[-1] in "02468") is listed)
    for listed in (True, False)
)


@pytest.fixture
def file(remote, tmp_path):
    remote.screens = True
    made = tmp_path / "名单.csv"
    rows = [f"{LISTED},natural_person,{NAME}", f"{CLEAN},,{NAME}", f",natural_person,{NAME}"]
    made.write_bytes("\n".join(["number,kind,name", *rows]).encode("gb18030"))
    return made


def screen(remote, *arguments):
    return run(remote, "screen", *arguments, "--matter", "review", "--officer", "W-17")


def test_each_subject_is_answered_by_its_row_and_unidentified_ones_are_exit_code_1(remote, file):
    done = screen(remote, file)
    assert done.returncode == 1, done.stderr
    for word in ("已识别", "exact", "需提供号码", "restrictions apply"):
        assert word in done.stdout
    answers = [json.loads(line) for line in file.with_name("名单.csv.screened.ndjson").read_text().splitlines()]
    assert [(each["row"], each["certainty"], len(each["measures"])) for each in answers] == [
        (1, "exact", 1),
        (2, "exact", 0),
        (3, "number_needed", 0),
    ]


def test_all_identified_is_exit_code_0_with_a_summary_for_programs_and_a_table_of_answers(remote, file, tmp_path):
    file.write_text(f"number\n{LISTED}\n{CLEAN}\n")
    out = tmp_path / "out.csv"
    done = screen(remote, file, "--results", out, "--json")
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    assert (summary["subjects"], summary["exact"], summary["restricted"]) == (2, 2, 1)
    with out.open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [(row["row"], row["designations"], row["measures"]) for row in rows] == [
        ("1", "defaulters", "procurement_bar"),
        ("2", "", ""),
    ]
    assert rows[0]["use_until"] == "2026-04-01"


@pytest.mark.parametrize("trouble", ["none", "busy", "refused", "lost", "unreadable"])
def test_no_number_and_no_name_is_in_any_address_message_or_file_of_ours(remote, file, tmp_path, trouble):
    if trouble == "busy":
        remote.busy = [{"Retry-After": "3600"}]
    remote.refuse_all = trouble == "refused"
    remote.forgets = 1 if trouble == "lost" else 0
    if trouble == "unreadable":
        file.write_text(f"number,kind\n{LISTED},{NAME}\n")
    done = screen(remote, file)
    assert (done.returncode == 2) == (trouble != "none")
    ours = [path.read_text() for path in tmp_path.iterdir() if path != file]
    assert bool(ours) == (trouble == "none")
    for text in (done.stdout, done.stderr, *ours, *(asked.path + str(asked.headers) for asked in remote.asked)):
        for secret in (LISTED, CLEAN, NAME):
            assert secret not in text
    assert KEY not in done.stdout + done.stderr
    assert any(LISTED.encode() in asked.body for asked in remote.asked) or trouble == "unreadable"
