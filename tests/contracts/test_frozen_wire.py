"""What nodes say to each other must be readable for ever: frozen bodies, signed texts and a page, never edited.

Nodes of a chain are upgraded one after the other, and logs keep what was said once: a member that is called otherwise
would be left out in silence. A later form gets a sample beside the old ones.
"""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from creditmesh.chassis.vault.keys import verified
from creditmesh.schemas.accesses import AccessStatement
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.chain import NodeBody, NodeRow
from creditmesh.schemas.exchange import (
    AcknowledgedBody,
    AnswersOut,
    CatalogueBody,
    EntryLine,
    FeedEntry,
    FeedKeyBody,
    FeedOut,
    PageEnd,
    RecordBody,
    feed_origin,
)
from creditmesh.schemas.origins import OriginsOut, proven_leaves
from creditmesh.schemas.pages import verify_page
from creditmesh.schemas.proofs import proven
from creditmesh.schemas.received import read_body
from creditmesh.schemas.signed import SignedText, Statement, read
from creditmesh.schemas.tlog import Range, leaf_hash

FOLDER = Path(__file__).parent / "wire"
PUBLIC = b64decode((FOLDER / "public_key").read_text())
BODIES: dict[str, type[BaseModel]] = {
    "record_body": RecordBody,
    "record_body_discharged": RecordBody,
    "catalogue_body": CatalogueBody,
    "feed_key_body": FeedKeyBody,
    "node_body": NodeBody,
    "acknowledged_body": AcknowledgedBody,
    "feeds_out": FeedOut,
    "answers_out": AnswersOut,
    "origins_out": OriginsOut,
}
STATEMENTS: dict[str, type[Statement]] = {"acknowledgement": Acknowledgement, "access_statement": AccessStatement}


def sample(name: str) -> dict[str, Any]:
    frozen: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return frozen


def page() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "page.ndjson").read_text(encoding="utf-8").splitlines()]


def test_every_sample_is_read_here():
    names = {path.name.partition(".")[0] for path in FOLDER.iterdir()}
    assert names == {*BODIES, *STATEMENTS, "page", "public_key"}


@pytest.mark.parametrize(("name", "model"), BODIES.items())
def test_a_body_means_what_it_meant_and_one_member_more_changes_nothing(name: str, model: type[BaseModel]):
    frozen = sample(name)
    read_now = model.model_validate_json(json.dumps(frozen))
    again = json.loads(read_now.model_dump_json())
    assert {member: again.get(member) for member in frozen} == frozen
    assert model.model_validate_json(json.dumps(frozen | {"added_later": {"x": 1}})) == read_now
    for member, field in model.model_fields.items():
        if field.is_required():
            with pytest.raises(ValidationError):
                model.model_validate_json(json.dumps({k: v for k, v in frozen.items() if k != member}))


@pytest.mark.parametrize("model", dict.fromkeys(BODIES.values()))
def test_every_member_stands_in_a_sample(model: type[BaseModel]):
    """What a version adds is shown by a sample of its own."""
    shown = {member for name, each in BODIES.items() if each is model for member in sample(name)}
    assert shown == {*model.model_fields}


@pytest.mark.parametrize(("name", "model"), STATEMENTS.items())
def test_a_signed_text_holds_to_the_letter_and_says_what_it_said(name: str, model: type[Statement]):
    text = SignedText.model_validate(sample(name))
    said = read(model, text, public=lambda _: PUBLIC, verify=_verify)
    again, frozen = json.loads(said.model_dump_json()), json.loads(text.signed)
    assert {member: again.get(member) for member in frozen} == frozen
    assert {*frozen} == {*model.model_fields}


def test_a_row_is_signed_by_its_own_key():
    body = NodeBody.model_validate(sample("node_body"))
    row = read(NodeRow, body.row, public=lambda said: b64decode(said.publics[said.key]), verify=_verify)
    assert (row.node, row.above, row.reads, {*json.loads(body.row.signed)}) == (
        "province", ("nation",), ("passed",), {*NodeRow.model_fields},
    )  # fmt: skip


def test_a_page_fits_its_head_and_its_bodies_are_read():
    *lines, end = page()
    entries = [FeedEntry.model_validate_json(json.dumps(each)) for each in lines]
    note = PageEnd.model_validate(end).checkpoint
    found = verify_page(
        Range.empty(), entries, note, origin=feed_origin("city", "up"), publics=[PUBLIC], verify=_verify
    )
    assert found.checkpoint.size == len(entries)
    first, key, erased = (EntryLine.model_validate_json(each.line) for each in entries)
    assert [(each.type, each.change, each.rev) for each in (first, key, erased)] == [
        ("record", "marked", 3), ("feed.key", None, None), ("record", "erased", 4),
    ]  # fmt: skip
    body = read_body(entries[0].body)
    assert isinstance(body, RecordBody)
    assert (body.record, entries[2].body) == (first.record, None)


def test_what_was_proven_is_proven():
    body = AcknowledgedBody.model_validate(sample("acknowledged_body"))
    proof = body.entries[0].proof
    assert proof is not None
    about = (body.entries[0].record, 3, "marked")
    assert proven(proof, by=body.by, about=about, public=lambda _: PUBLIC, verify=_verify).above == ()


async def test_a_stretch_of_lines_leads_to_the_head_that_was_signed():
    origins = OriginsOut.model_validate_json(json.dumps(sample("origins_out")))
    leaves = {("city", leaf_hash(each["line"].encode())) for each in page()[:-1]}
    assert await proven_leaves(origins.runs, leaves, publics=lambda _: [PUBLIC], verify=_verify) == leaves


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)
