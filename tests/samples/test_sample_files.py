"""The sample files are what the generator writes, and the gate says of each row what they promise."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from creditmesh.ingestion.gate import Gate
from creditmesh.schemas.catalogue import CodeSet, Item, Party, Rule
from creditmesh.schemas.files import Table, encoding_of, encoding_said, rows_of
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.compile import CompiledItem, compile_item
from creditmesh.schemas.rules.identity import Identity, identify
from tests.support.shipped import INVENTED, SHIPPED

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))
BASE = date.fromisoformat(EXPECTED["base"])
NAMES = sorted(EXPECTED["files"])
BODIES = [entry.body for entry in SHIPPED + INVENTED]
ITEMS = {body.code: body for body in BODIES if isinstance(body, Item)}
PARTIES = {body.code: body for body in BODIES if isinstance(body, Party)}
CODE_SETS = {body.code: body for body in BODIES if isinstance(body, CodeSet)}
RULES = [body for body in BODIES if isinstance(body, Rule)]


def compiled(name: str) -> CompiledItem:
    return compile_item(ITEMS[EXPECTED["files"][name]["item"]], CODE_SETS, RULES)


def outcomes(name: str) -> list:
    item = compiled(name)
    body = (SAMPLES / name).read_bytes()
    if name.endswith(".ndjson"):
        return [item.validate_json(line) for line in body.splitlines()]
    said = EXPECTED["files"][name]["content_type"].partition("charset=")[2]
    table = Table.of(body, encoding_said(said), names=item.names)
    columns = item.names.columns(table.header.cells)
    assert columns.errors == ()
    return [
        (row.text,) if isinstance(row.text, FieldError) else item.validate_json(row.text)
        for row in rows_of(table, columns)
    ]


def said(name: str) -> dict[str, dict]:
    """Row -> verdict and reasons, as validator and gate have them; only what is not simply accepted."""
    gate = Gate(compiled(name), party=PARTIES[EXPECTED["files"][name]["party"]], today=BASE)
    found = {}
    for place, outcome in enumerate(outcomes(name), 1):
        if isinstance(outcome, tuple):
            verdict, reasons = "refused", outcome
        else:
            judged = gate.judge(outcome)
            verdict = "refused" if judged.refusals else "held" if judged.holds else "accepted"
            reasons = judged.refusals or judged.holds
        if verdict != "accepted":
            reasons = sorted((reason.code, reason.pointer) for reason in reasons)
            found[str(place)] = {"verdict": verdict, "reasons": reasons}
    return found


def promised(name: str) -> dict[str, dict]:
    return {
        place: {"verdict": row["verdict"], "reasons": sorted((r["code"], r["pointer"]) for r in row["reasons"])}
        for place, row in EXPECTED["files"][name]["dirt"].items()
        if row["verdict"] in {"held", "refused"}
    }


def test_the_generator_writes_exactly_these_files(tmp_path: Path):
    command = [sys.executable, "-m", "samples.generate", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    for name in [*NAMES, "expected.json"]:
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes(), name


@pytest.mark.parametrize("name", NAMES)
def test_the_gate_says_of_each_row_what_the_file_promises(name: str):
    assert said(name) == promised(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_counts_are_those_of_the_rows(name: str):
    file = EXPECTED["files"][name]
    assert len(outcomes(name)) == file["rows"] == sum(file["counts"].values())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_later_is_what_has_not_ended(name: str):
    file = EXPECTED["files"][name]
    gate = Gate(compiled(name), party=PARTIES[file["party"]], today=BASE)
    repeated = {place for place, row in file["dirt"].items() if row["verdict"] in {"unchanged", "corrected"}}
    ends = []
    for place, outcome in enumerate(outcomes(name), 1):
        if isinstance(outcome, dict) and str(place) not in repeated:
            judged = gate.judge(outcome)
            if not judged.refusals and not judged.holds:
                ends.append(judged.period.until)
    for day, count in file["shown"].items():
        assert sum(end is None or date.fromisoformat(day) < end for end in ends) == count


@pytest.mark.parametrize("name", ["penalties.csv", "penalties-gb18030.csv", "penalties.ndjson"])
def test_a_penalty_file_leaves_something_to_repair_and_something_about_to_end(name: str):
    gate = Gate(compiled(name), party=PARTIES[EXPECTED["files"][name]["party"]], today=BASE)
    judged = [gate.judge(outcome) for outcome in outcomes(name) if isinstance(outcome, dict)]
    year = timedelta(days=365)
    assert any(j.severity == "serious" and year <= BASE - j.decided_on <= 3 * year for j in judged if not j.refusals)
    assert any(j.period.until and BASE < j.period.until <= BASE + timedelta(days=30) for j in judged if not j.refusals)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_in_a_file_is_nobodys(name: str):
    body = (SAMPLES / name).read_bytes()
    text = body.decode(encoding_of(body)[0], "replace")
    narrow = text.translate({0xFF01 + n: 0x21 + n for n in range(94)}).upper()
    for number in re.findall(r"(?<![0-9A-Z])[0-9A-Z]{18}(?![0-9A-Z])", narrow):
        assert number.startswith("990000") or number[2:8] == "990000" or number == "0" * 17 + "X", number


def test_the_subjects_told_of_have_right_numbers_and_their_records():
    for kind, told in EXPECTED["subjects"].items():
        document = told["subject"]["document"]
        who = identify(kind, document["type"], document["number"])
        assert isinstance(who, Identity)
        assert not who.doubts
        assert told["subject"]["kind"] == kind
        assert told["records"]
        for record in told["records"]:
            row = outcomes(record["file"])[record["row"] - 1]
            assert row[ITEMS[record["item"]].roles.decision_number] == record["number"]


def test_every_kind_of_dirt_is_there():
    dirt = {row["dirt"] for file in EXPECTED["files"].values() for row in file["dirt"].values()}
    assert dirt >= {
        "placeholder_with_registration",
        "placeholder_alone",
        "wrong_check_digit",
        "repeated",
        "same_number_new_content",
        "same_number_another_subject",
        "decided_after_today",
        "yuan_for_ten_thousands",
        "unknown_code",
        "full_width",
        "trailing_spaces",
        "ideographic_spaces",
        "a_minor",
        "quote_without_end",
        "half_a_character",
        "guarded",
        "look_alike",
        "days_in_words",
        "an_amount_twice",
        "filler_for_the_decision",
        "floating_decision",
        "hidden_digits",
        "filler_for_the_passport",
        "a_lost_character",
        "a_number_in_clear",
    }
