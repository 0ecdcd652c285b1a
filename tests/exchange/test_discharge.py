"""Whom a revision discharges travels as their role: subjects are each node's own."""

from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest

from creditmesh.exchange.entries import record_draft
from creditmesh.schemas.exchange import TOLD
from tests.repair.samples import a_record

AT = datetime(2026, 5, 11, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("about", ["boss", "nobody", None])
def test_a_discharge_travels_as_the_role_and_never_as_the_subject(about: str | None):
    people = {"boss": uuid4(), "nobody": uuid4()}
    related = [{"role": "legal_representative", "subject": people["boss"], "part": 0}]
    event = a_record(subject=uuid4(), change="discharged", related=related, about=people.get(about or ""))
    draft = record_draft(event, at=AT, sealed=None)
    assert orjson.loads(draft.body)["role"] == ("legal_representative" if about == "boss" else None)
    assert not any(str(each) in draft.body + draft.line for each in (*people.values(), event.subject))
    assert event.change in TOLD
