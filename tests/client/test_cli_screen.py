"""`creditmesh screen`: what applies to the subjects in a file, and nothing that says who they are."""

import csv
import json

import pytest
import xlsxwriter

from tests.client.remote import KEY
from tests.client.test_cli_pull import run
from tests.support.cast import resident, uscc

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


@pytest.mark.parametrize(("spoil", "said"), [("hide", "hidden"), ("merge", "B2:B3")])
def test_a_workbook_that_does_not_show_whom_it_asks_about_sends_nothing(remote, tmp_path, spoil, said):
    file = tmp_path / "名单.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate((["number", "name"], [LISTED, NAME], [CLEAN, NAME])):
            sheet.write_row(n, 0, row)
        if spoil == "hide":
            sheet.set_row(2, None, None, {"hidden": True})
        else:
            sheet.merge_range("B2:B3", NAME)
    done = screen(remote, file)
    assert (done.returncode, said in done.stderr, NAME in done.stderr) == (2, True, False)
    assert not any("screenings" in str(each) for each in remote.asked)


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


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("number\n无\n", "stands in place of the number", "占位文字"),
        (f"number\n{LISTED[:4]}E+17\n", "spreadsheet", "表格软件"),
        ("number\n1234567890\n", "natural_person, organisation, sole_trader", "法人及非法人组织"),
        (f"number,kind\n{LISTED},somebody\n", "natural_person, organisation, sole_trader", "个体工商户"),
        ("名称\n某某\n", "a column number", "统一社会信用代码"),
        ("主体类别,号码\n企业,无\n", "stands in place of the number", "占位文字"),
        ("号码,证件类型\n1,出生证\n", "no such type", "无此证件类型"),
        (f"号码\n{LISTED}\n号码\n", "Row 2, line 3", "文件第3行"),
    ],
)
def test_what_cannot_be_sent_is_told_with_its_own_reason(remote, file, text, english, chinese):
    file.write_text(text, encoding="utf-8")
    done = screen(remote, file)
    assert done.returncode == 2
    said = "".join(done.stderr.split())
    assert "".join(english.split()) in said, done.stderr
    assert chinese in said, done.stderr


def test_columns_are_found_by_their_names_and_others_are_not_sent(remote, file):
    lines = ["投标人名单,,,", "序号,*号码（必填）,主体类别,备注", f"1,{LISTED},自然人,{NAME}", f"2,{CLEAN},,"]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = screen(remote, file, "--json")
    assert json.loads(done.stdout)["exact"] == 2, done.stderr
    assert all(NAME.encode() not in asked.body for asked in remote.asked)


@pytest.mark.parametrize(
    "text",
    [
        f"主体类别,号码\n个人,{LISTED}\n自然人,{CLEAN}\n",
        f"主体类别,号码\n01,{LISTED}\nNATURAL_PERSON,{CLEAN}\n",
        f"证件类型,号码\n01,{LISTED}\n临时身份证,{CLEAN}\n",
        f"主体类别,号码\n企业法人,{uscc(2)}\n法人和其他组织,{uscc(4)}\n",
        f"主体类别,号码\n個體工商戶,{uscc(2)}\n企业,{uscc(4)}\n",
        "证件类型,号码\n外国护照,E12345678\n台胞证,12345678\n",
        f"证件类型,号码\n统一社会信用代码,{uscc(2)}\n信用代码,{uscc(4)}\n",
        f"姓名,号码\n甲,{LISTED},\n乙,{CLEAN},,\n",
        f"号码\n{LISTED}\t\n{CLEAN}\t\n",
        f"号码\n'{LISTED}\n\u200b{CLEAN}\n",
    ],
)
def test_what_submissions_take_is_taken_here(remote, file, text):
    file.write_text(text, encoding="utf-8")
    done = screen(remote, file, "--json")
    assert json.loads(done.stdout)["exact"] == 2, done.stderr


SUBJECT = f'{{"kind":"natural_person","document":{{"type":"resident_id","number":"{LISTED}"}}}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.ndjson", f"{SUBJECT}\r{SUBJECT}"),
        ("s.ndjson", f"{SUBJECT}\n\n{SUBJECT}\n"),
        ("s.json", f"[{SUBJECT},\n{SUBJECT}]"),
        ("s.ndjson", f'{{"号码":"{LISTED}","姓名":"甲"}}\n{{"number":"{CLEAN}","序号":"2"}}\n'),
        ("s.ndjson", f'{{"号码":"{LISTED}","姓名":null}}\n{{"number":"{CLEAN}","kind":null,"type":null}}\n'),
        ("s.ndjson", f'[{{"号码":"{LISTED}"}},{{"号码":"{CLEAN}"}}]\n'),
    ],
)
def test_objects_are_taken_a_line_each_or_in_an_array_by_the_names_of_columns_too(remote, tmp_path, name, text):
    remote.screens = True
    file = tmp_path / name
    file.write_text(text, encoding="utf-8", newline="")
    done = screen(remote, file, "--json")
    assert json.loads(done.stdout)["exact"] == 2, done.stderr


def test_a_name_that_stands_twice_in_an_object_is_refused_and_nothing_is_sent(remote, tmp_path):
    file = tmp_path / "s.ndjson"
    file.write_text(SUBJECT.replace("{", '{"kind":"organisation",', 1) + "\n", encoding="utf-8")
    done = screen(remote, file)
    assert (done.returncode, remote.asked) == (2, [])
    assert "a name twice" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "row",
    [
        f'{{"号码":"{LISTED}","统一社会信用代码":"{CLEAN}"}}',
        f'{{"number":"{LISTED}"," number ":"{CLEAN}"}}',
        f'{{"number":"{LISTED}","uscc":""}}',
        f'{{"number":"{LISTED}","Number":null}}',
        f'{{"number":"{LISTED}","名称":"甲","姓名":"乙"}}',
    ],
)
def test_two_names_of_one_column_are_refused_in_an_object_as_in_a_table(remote, tmp_path, row):
    file = tmp_path / "s.ndjson"
    file.write_text(f"{SUBJECT}\n{row}\n", encoding="utf-8")
    done = screen(remote, file)
    assert (done.returncode, remote.asked) == (2, [])
    assert "Row 2 has two names of one column" in " ".join(done.stderr.split())


def test_a_number_whose_check_digit_is_wrong_is_said_with_its_row_and_what_to_do_and_not_shown(remote, file):
    wrong = LISTED[:-1] + ("0" if LISTED[-1] != "0" else "1")
    file.write_text(f"number\n{CLEAN}\n{wrong}\n")
    done = screen(remote, file)
    assert done.returncode == 2
    assert ("Row 2: the check digit" in done.stderr, "校验码" in done.stderr) == (True, True)
    assert wrong not in done.stderr + done.stdout
