"""The public form: what the catalogue discloses to all, masked, without an original."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.query.publication import is_public, public_form, search_keys, without_numbers
from creditmesh.query.store.public import PublicForm, row_of
from creditmesh.schemas.queries import PublicRecord
from creditmesh.schemas.rules.numbers import resident_check
from tests.query.samples import KINDS, a_record, an_item

ITEM = an_item(by_kind={"natural_person": "sharing"})
SECRETS = {"NAME": "沈沙盒", "ID": "990000199001010017", "BOSS": "殷沙盒", "CODE": "92990000MA0000002N"}


def test_only_published_records_of_public_items_and_kinds_have_a_public_form():
    assert is_public(a_record(), ITEM)
    assert not is_public(a_record(kind="natural_person"), ITEM)
    assert not is_public(a_record(state="repaired"), ITEM)
    assert not is_public(a_record(), an_item(disclosure="authorised"))


def test_what_is_minor_is_not_published_unless_the_item_says_so():
    assert not is_public(a_record(severity="minor"), ITEM)
    assert is_public(a_record(severity="general"), ITEM)
    display = ITEM.display.model_copy(update={"publishes_minor": True})
    assert is_public(a_record(severity="minor"), ITEM.model_copy(update={"display": display}))


def test_an_organisation_stands_there_by_name_and_its_representative_masked():
    form = public_form(a_record(), ITEM, {"BOSS": "殷沙盒", "ID": "990000199001010017"})
    assert form.fields == {
        "NAME": "沙盒一号有限公司",
        "CODE": "91990000MA0000001R",
        "BOSS": "殷**",
        "DOC": "沙监罚〔2026〕1号",
    }


def test_a_field_the_item_does_not_know_is_not_shown():
    assert "SURPLUS" not in public_form(a_record(fields={"SURPLUS": "x", "DOC": "1"}), ITEM, {}).fields


@given(kind=st.sampled_from(KINDS), shown=st.sets(st.sampled_from(sorted(SECRETS))))
def test_no_sensitive_value_is_ever_shown_whole(kind, shown):
    sealed = {code: SECRETS[code] for code in shown if ITEM.field(code).sealed_for(kind)}
    form = public_form(a_record(kind=kind, fields={"DOC": "1"}), ITEM, sealed).model_dump_json()
    assert not [value for value in sealed.values() if value in form]
    assert not [value for value in sealed.values() if value[1:] in form]


def test_it_is_found_by_what_it_shows_whole_and_by_nothing_else():
    assert search_keys(public_form(a_record(), ITEM, {}), ITEM) == ("沙盒一号有限公司", "91990000MA0000001R")
    sole_trader = a_record(kind="sole_trader", fields={"NAME": "沈沙盒"})
    assert search_keys(public_form(sole_trader, ITEM, {"NAME": "沈沙盒"}), ITEM) == (None, None)


NUMBER = "990000198001010018"
NUMBER = NUMBER[:17] + resident_check(NUMBER[:17])


@pytest.mark.parametrize("number", [NUMBER, f"{NUMBER}01", "990000800101001", "13800138000", "4111111111111111"])
@pytest.mark.parametrize("field", ["NAME", "CODE", "DOC"])
def test_a_persons_number_is_never_shown_and_nobody_is_found_by_it(field: str, number: str):
    event = a_record(fields={"NAME": "沙盒", "CODE": "91990000MA0000001R", "DOC": "1", field: number})
    form = public_form(event, ITEM, {})
    assert number[-9:] not in form.model_dump_json()
    assert form.fields == without_numbers(form).fields
    assert number not in search_keys(form, ITEM)


@pytest.mark.parametrize("until", [None, date(2029, 5, 11)])
def test_a_form_is_stored_as_its_model_writes_it(until: date | None):
    fields = {"NAME": "沙盒\n“一号”", "CODE": "", "DOC": "\u2028<&>\x7f"}
    form = public_form(a_record(fields=fields, display_until=until), ITEM, {"BOSS": "殷沙盒"})
    stored = row_of(PublicForm(part=1, rev=1, form=form, name=None, code=None, fresh=True))[-2]
    assert stored == form.model_dump_json().encode()
    assert PublicRecord.model_validate_json(stored) == form
