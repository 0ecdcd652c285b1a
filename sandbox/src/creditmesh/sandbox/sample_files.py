"""The sample files as the story uses them: what to expect of each, and one invented person out of them."""

import csv
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from creditmesh.node.errors import NodeError
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.subject import Document, SubjectIn
from creditmesh.schemas.variables import Variable

LICENCES, ORGANISATION = "licences.ndjson", "法人及非法人组织"
ADVERSE = ("administrative_penalty", "judgment_defaulter")
FOLDER = Path(os.environ.get(Variable.SAMPLES, "samples"))


class Expected(BaseModel):
    """What `expected.json` says of one file."""

    item: str
    party: str
    rows: int
    counts: dict[str, int]
    shown: dict[str, int]
    dirt: dict[str, Any]


class ToldRecord(BaseModel):
    """One record that the files have of a subject."""

    file: str
    row: int
    item: str
    number: str

    def fields(self) -> dict[str, str]:
        """The row as it was sent, without what is empty in it."""
        return {code: value for code, value in rows(self.file)[self.row - 1].items() if value}


class KnownSubject(BaseModel):
    """A subject of whom the files have exactly these records."""

    subject: SubjectIn
    records: list[ToldRecord]

    def record(self, number: str) -> ToldRecord:
        """The record of the decision whose number ends so."""
        return next(each for each in self.records if number in each.number)


class Samples(BaseModel):
    """`expected.json`: the legal date the files were made for, each file, and a subject of each kind."""

    base: str
    files: dict[str, Expected]
    subjects: dict[SubjectKind, KnownSubject]


def samples() -> Samples:
    """The committed expectations; NodeError outside a checkout."""
    try:
        return Samples.model_validate_json((FOLDER / "expected.json").read_bytes())
    except OSError:
        raise NodeError(
            "run it from a checkout: the samples are not here", "请在代码检出目录中运行：未找到样例文件"
        ) from None


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a sample file that has codes for headers."""
    path = FOLDER / name
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def a_person(name: str) -> tuple[int, dict[str, str]]:
    """The number and the row of a clean penalty on an adult natural person who appears once in the file."""
    expected, found = samples().files[name], rows(name)
    often = Counter(row.get("CF_XDR_ZJHM") for row in found)
    for number, row in enumerate(found, start=1):
        document = row.get("CF_XDR_ZJHM") or ""
        if row["CF_XDR_LB"] == "自然人" and str(number) not in expected.dirt and often[document] == 1:
            return number, row
    raise NodeError(f"{name} has no clean row about a person", f"{name} 中没有可用的自然人记录")


def clean_enterprise() -> SubjectIn:
    """The first enterprise with a licence and without a penalty or a listing in any of the files."""
    files = samples().files
    adverse = [(FOLDER / name).read_bytes() for name, file in files.items() if file.item in ADVERSE]
    for number, row in enumerate(rows(LICENCES), start=1):
        code = row.get("XK_XDR_SHXYM") or ""
        clean = str(number) not in files[LICENCES].dirt and not any(code.encode() in file for file in adverse)
        if row["XK_XDR_LB"] == ORGANISATION and clean:
            return SubjectIn(kind="organisation", document=Document(type="uscc", number=Pii(code)))
    raise NodeError(f"{LICENCES} has no enterprise without a penalty", f"{LICENCES} 中没有无处罚记录的企业")


def identity(row: dict[str, str]) -> SubjectIn:
    """The person a penalty row is about."""
    return SubjectIn(
        kind="natural_person", document=Document(type="resident_id", number=Pii(row["CF_XDR_ZJHM"].strip()))
    )
