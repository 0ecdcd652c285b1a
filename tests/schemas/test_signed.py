"""What is signed is a text, and it is the text that is checked: versions may know different members of it."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from creditmesh.client.signatures import holds
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.cases import Certificate
from creditmesh.schemas.chain import NodeKey, NodeRow
from creditmesh.schemas.signed import BadSignature, Contradictory, SignedText, Statement, read, said, sign
from creditmesh.schemas.verdicts import Receipt

KEY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
AT = datetime(2026, 3, 2, 1, 15, 30, tzinfo=UTC)
ID = UUID(int=7)
BY = {"key": "node-1", "alg": "ed25519"}
STATEMENTS: list[Statement] = [
    Acknowledgement(feed="creditmesh/city/up", by="province", first=0, until=1, size=1, root="0a" * 32, at=AT, **BY),
    NodeRow(
        node="nation", tier="nation", above=(), keys=(NodeKey(id="k", public=b64encode(PUBLIC).decode()),), at=AT, **BY
    ),
    Receipt(
        submission=ID, node="city", item="penalty", rows=1, accepted=1, unchanged=0, corrected=0, held=0, refused=0,
        digest="sha-256:00", **BY,
    ),
    Certificate(
        node="city", case=ID, kind="repair", record=ID, item="penalty", rev=2, change="repaired", decided_on=AT.date(),
        lines=(), complete=True, pending=(), issued_at=AT, public=b64encode(PUBLIC).decode(), **BY,
    ),
]  # fmt: skip


def signed(text: str) -> SignedText:
    return SignedText(signed=text, signature=b64encode(KEY.sign(text.encode())).decode())


def checked(model: type[Statement], of: SignedText) -> Statement:
    return read(model, of, public=lambda _: PUBLIC, verify=holds)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: type(each).__name__)
def test_what_is_signed_is_read_from_the_very_text(statement: Statement):
    given = sign(statement, by=KEY.sign)
    assert checked(type(statement), SignedText.model_validate_json(given.model_dump_json())) == statement


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: type(each).__name__)
def test_a_newer_version_signs_a_member_more_and_an_older_reader_verifies_and_ignores_it(statement: Statement):
    newer = json.dumps({"added_later": [1, {"x": None}], **statement.model_dump(mode="json")}, indent=1)
    assert checked(type(statement), signed(newer)) == statement


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: type(each).__name__)
def test_what_was_kept_when_its_members_stood_beside_the_signature_still_holds(statement: Statement):
    members = statement.model_dump(mode="json")
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    kept = json.dumps(members | {"signature": signed(text).signature})
    assert checked(type(statement), SignedText.model_validate_json(kept)) == statement
    with pytest.raises(BadSignature):
        checked(type(statement), SignedText.model_validate(json.loads(kept) | {"note": "unsigned"}))


@given(st.data())
def test_no_bit_of_the_text_or_the_signature_can_be_changed(data: st.DataObject):
    whole = sign(STATEMENTS[0], by=KEY.sign).model_dump()
    name = data.draw(st.sampled_from(sorted(whole)))
    at = data.draw(st.integers(0, len(whole[name]) - 1))
    other = chr(ord(whole[name][at]) ^ 1 << data.draw(st.integers(0, 6)))
    with pytest.raises(ValueError):  # noqa: PT011 - whichever of them comes first
        checked(Acknowledgement, SignedText(**whole | {name: whole[name][:at] + other + whole[name][at + 1 :]}))


def test_another_algorithm_is_not_believed():
    with pytest.raises(BadSignature):
        checked(Acknowledgement, sign(STATEMENTS[0].model_copy(update={"alg": "none"}), by=KEY.sign))


def test_a_text_in_which_a_member_stands_twice_is_refused_however_deep():
    text = STATEMENTS[0].model_dump_json()
    for twice in (text.replace("{", '{"by":"nation",', 1), text.replace("[]", '[{"index":0,"index":0,"code":"x"}]')):
        assert twice != text
        with pytest.raises(Contradictory):
            said(Acknowledgement, signed(twice))


def test_a_text_of_another_kind_is_none_of_this():
    for statement in STATEMENTS:
        for model in {type(each) for each in STATEMENTS} - {type(statement)}:
            with pytest.raises(ValidationError):
                checked(model, sign(statement, by=KEY.sign))


FROZEN_ACKNOWLEDGEMENT = (
    '{"key":"node-1f0c","alg":"ed25519","feed":"creditmesh/city/up","by":"province","first":0,"until":3,"size":4,'
    '"root":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","refused":[{"index":1,"code":"minor"}],'
    '"at":"2026-03-02T01:15:31Z"}'
)
"""As versions before decision 39 signed it: it names nobody above, and kept nothing back."""


def test_an_acknowledgement_of_before_is_read_as_what_it_said():
    given = checked(Acknowledgement, signed(FROZEN_ACKNOWLEDGEMENT))
    assert (given.first, given.until, given.refused[0].code) == (0, 3, "minor")
    assert (given.above, given.kept) == (None, ()), "who says nothing of it is not one with nobody above"
