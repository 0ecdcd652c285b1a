"""Rows that the reader of a version before accepted, and stored: every peer gate of a later version lets them pass.

The file only grows: what a reader that is made stricter refuses from now on is added to it as it was stored.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from creditmesh.ingestion.gate import Gate
from creditmesh.ingestion.operations.copying.peer_gate import PeerGate
from creditmesh.schemas.exchange import RecordBody
from creditmesh.schemas.rules.compile import compile_item
from tests.ingestion.rows import TODAY, code_sets, compiled, items, parties

STORED = json.loads((Path(__file__).parent / "rows" / "accepted.json").read_text(encoding="utf-8"))
"""Of each: the item, a row as it was stored, what its event said of it, and what others had otherwise (null: not)."""


def rows() -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    found = []
    for each in STORED:
        for fields, facts in [[{}, {}], *each["others"]]:
            row = {code: value for code, value in (each["row"] | fields).items() if value is not None}
            found.append((each["item"], row, each["facts"] | facts))
    return found


def body(item: str, row: dict[str, str], facts: dict[str, Any]) -> RecordBody:
    said = {
        "record": UUID(int=1),
        "rev": 3,
        "revision": UUID(int=2),
        "change": "reopened",
        "state": "published",
        "origin": "city",
        "party": "market_regulation",
        "item": item,
        "issuer": row[compiled(item).item.roles.issuer],
        "fields": row,
    }
    return RecordBody.model_validate(said | facts)


def test_every_row_that_was_accepted_before_passes_the_peer_gate_as_it_was_stored():
    refused = []
    for item, row, facts in rows():
        found = compiled(item)
        kept = found.validate_kept(row)
        if not isinstance(kept, dict):
            refused.append((item, row, [(each.code, each.pointer) for each in kept]))
            continue
        verdict = PeerGate(found, today=TODAY).judge(body(item, row, facts), kept)
        if verdict.refusals:
            refused.append((item, row, [(each.code, each.pointer) for each in verdict.refusals]))
        assert kept == row or any(not character.isprintable() for character in "".join(row.values()))
    assert refused == []


def test_among_them_are_rows_that_the_reader_of_today_refuses():
    senders = {"judgment_defaulter": "court", "taxpayer_rating_a": "tax"}
    refused = 0
    for item, row, _ in rows():
        read = compiled(item).validate(row)
        gate = Gate(compiled(item), party=parties()[senders.get(item, "market_regulation")], today=TODAY)
        refused += not isinstance(read, dict) or bool(gate.judge(read).refusals)
    assert refused > len(rows()) // 10


KEPT = {
    "issuer": "CF_CFJGDM",
    "name": "CF_XDR_MC",
    "decided": "CF_JDRQ",
    "fine": "CF_NR_FK",
    "kinds": "CF_CFLB",
    "kind": "CF_XDR_LB",
    "facts": "CF_SY",
}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("decided", "20260511", "bad_date"),
        ("decided", "20260501T1630Z", "bad_date"),
        ("decided", "2026-02-30", "bad_date"),
        ("fine", "2000元", "bad_decimal"),
        ("fine", "-1", "bad_decimal"),
        ("fine", "0.20", "bad_decimal"),
        ("fine", "1" * 19, "bad_decimal"),
        ("kinds", "其他-", "bad_code"),
        ("kinds", "罚款;外星", "bad_code"),
        ("kind", "外星人", "bad_code"),
        ("facts", "a\0", "unreadable_character"),
        ("name", "字" * 201, "too_long"),
        ("issuer", "1" * 19, "number_shape"),
        ("facts", 7, "bad_type"),
        ("facts", None, "bad_type"),
    ],
)
def test_what_is_not_of_its_type_or_length_is_not_kept(field: str, value: object, code: str):
    item, row, _ = rows()[0]
    assert [each.code for each in compiled(item).validate_kept({**row, KEPT[field]: value})] == [code]


def test_a_value_that_is_active_no_more_is_kept_and_one_that_is_a_spelling_now_is_read():
    item, row, _ = rows()[0]
    listed = code_sets()["penalty_kind"]
    first, second, *others = listed.values
    before = first.model_copy(update={"active": False, "aliases": ()})
    renamed = second.model_copy(update={"value": "新名", "name_zh": "新名", "aliases": (second.value,)})
    later = listed.model_copy(update={"values": (before, renamed, *others)})
    found = compile_item(items()[item], {**code_sets(), later.code: later})
    kept = found.validate_kept(row | {KEPT["kinds"]: f"{first.value};{second.value}"})
    assert isinstance(kept, dict)
    assert kept[KEPT["kinds"]] == f"{first.value};新名"
