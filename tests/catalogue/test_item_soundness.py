"""An item is published only if every row of it can be read, every rule of it fires, and persons are sealed in it."""

from typing import Any

import pytest

from creditmesh.schemas.catalogue import (
    DEMANDS,
    CodeSet,
    CodeValue,
    Condition,
    DisplayRule,
    FieldSpec,
    Item,
    Mask,
    Roles,
)
from tests.catalogue.test_acceptance import DEFAULTER, PENALTY, RATING, refused, shipped, with_field

LICENCE = shipped("item", "administrative_licence")


def with_roles(item: Item, **roles: str | None) -> Item:
    return item.model_copy(update={"roles": item.roles.model_copy(update=roles)})


def test_every_role_is_in_the_table():
    assert set(DEMANDS) == set(Roles.model_fields)


@pytest.mark.parametrize(
    ("item", "display", "where"),
    [
        (PENALTY, DisplayRule(by="months"), "/display/months"),
        (PENALTY, DisplayRule(by="months", months=0), "/display/months"),
        (RATING, DisplayRule(by="months"), "/display/months"),
        (DEFAULTER, DisplayRule(by="until_valid"), "/display/by"),
        (with_field(PENALTY, "CF_YXQ", required=False), DisplayRule(by="until_valid"), "/display/by"),
    ],
)
def test_what_would_be_shown_for_ever_is_refused(item: Item, display: DisplayRule, where: str):
    assert refused(item.model_copy(update={"display": display})) == {(where, "endless")}


@pytest.mark.parametrize(
    ("role", "code", "update", "wrong"),
    [
        ("document_number", "CF_XDR_ZJHM", {"sensitive": False}, "role_sealed"),
        ("document_number", "CF_XDR_ZJHM", {"sensitive": False, "sensitive_for": ("sole_trader",)}, "role_sealed"),
        ("name", "CF_XDR_MC", {"sensitive_for": ()}, "role_sealed"),
        ("uscc", "CF_XDR_SHXYM", {"sensitive_for": ("sole_trader",)}, "role_sealed"),
        ("registration", "CF_XDR_GSZC", {"sensitive_for": ()}, "role_sealed"),
        ("representative_name", "CF_FRDB", {"sensitive": False}, "role_sealed"),
        ("representative_document_number", "CF_FR_ZJHM", {"sensitive": False}, "role_sealed"),
        ("representative_document_number", "CF_FR_ZJHM", {"about": "subject"}, "role_about"),
        ("representative_document_number", "CF_FR_ZJHM", {"mask": Mask(keep_left=6)}, "role_shown"),
        ("document_number", "CF_XDR_ZJHM", {"mask": Mask(keep_left=14, keep_right=3)}, "role_shown"),
        ("document_number", "CF_XDR_ZJHM", {"about": "representative"}, "role_about"),
        ("name", "CF_XDR_MC", {"mask": Mask(keep_left=3)}, "role_shown"),
        ("penalty_kinds", "CF_CFLB", {"sensitive_for": ("natural_person",)}, "role_clear"),
        ("fine", "CF_NR_FK", {"sensitive": True}, "role_clear"),
        ("valid_until", "CF_YXQ", {"sensitive": True}, "role_clear"),
        ("decision_number", "CF_WSH", {"required": False}, "role_required"),
        ("decided_on", "CF_JDRQ", {"required": False}, "role_required"),
        ("issuer", "CF_CFJGDM", {"required": False}, "role_required"),
        ("kind", "CF_XDR_LB", {"required": False}, "role_required"),
        ("name", "CF_XDR_MC", {"required": False}, "role_required"),
        ("decided_on", "CF_JDRQ", {"type": "text"}, "role_type"),
        ("display_until", "CF_GSJZQ", {"type": "text"}, "role_type"),
        ("valid_until", "CF_YXQ", {"type": "text"}, "role_type"),
        ("fine", "CF_NR_FK", {"type": "text"}, "role_type"),
        ("decision_number", "CF_WSH", {"type": "date"}, "role_type"),
        ("issuer", "CF_CFJGDM", {"type": "text"}, "role_type"),
        ("source", "CF_SJLYDM", {"type": "text"}, "role_type"),
        ("document_number", "CF_XDR_ZJHM", {"type": "text"}, "role_type"),
    ],
)
def test_a_role_is_played_by_a_field_that_can(role: str, code: str, update: dict[str, Any], wrong: str):
    assert refused(with_field(PENALTY, code, **update)) == {(f"/roles/{role}", wrong)}


@pytest.mark.parametrize(("item", "code"), [(PENALTY, "CF_WSH"), *((LICENCE, code) for code in LICENCE.natural_key)])
@pytest.mark.parametrize("most", [None, 257])
def test_what_tells_records_apart_has_a_length(item: Item, code: str, most: int | None):
    wanted = {(f"/fields/{code}/max_length", "key_length")}
    assert refused(with_field(item, code, max_length=most)) == wanted
    assert refused(with_field(item, code, max_length=256)) == set()


@pytest.mark.parametrize(
    ("update", "wrong"),
    [
        ({"type": "document"}, {"role_sealed"}),
        ({"type": "name"}, {"role_sealed"}),
        ({"type": "name", "sensitive_for": ("sole_trader",)}, {"role_sealed"}),
        ({"type": "name", "about": "representative", "sensitive_for": ("natural_person",)}, {"role_sealed"}),
        ({"type": "document", "sensitive": True, "mask": Mask(keep_left=14)}, {"role_shown"}),
        ({"type": "document", "sensitive": True}, set()),
        ({"type": "name", "sensitive_for": ("natural_person",)}, set()),
        ({"type": "text"}, set()),
    ],
)
def test_what_names_a_person_is_sealed_without_a_role_too(update: dict[str, Any], wrong: set[str]):
    agent = FieldSpec(code="AGENT", name="Agent", name_zh="代理人甲", **update)
    item = PENALTY.model_copy(update={"fields": (*PENALTY.fields, agent)})
    assert refused(item) == {("/fields/AGENT", each) for each in wrong}
    organisations = item.model_copy(update={"kinds": ("organisation",), "disclosure_by_kind": {}})
    assert bool(refused(organisations)) == (bool(wrong) and update.get("about") == "representative")


def test_a_representative_is_sealed_although_the_item_is_about_organisations_alone():
    item = PENALTY.model_copy(update={"kinds": ("organisation",), "disclosure_by_kind": {}})
    assert refused(item) == set()
    assert refused(with_field(item, "CF_FRDB", sensitive=False)) == {("/roles/representative_name", "role_sealed")}


@pytest.mark.parametrize(("item", "role"), [(DEFAULTER, "document_number"), (RATING, "uscc")])
def test_an_item_can_say_whom_its_records_are_about(item: Item, role: str):
    assert (f"/roles/{role}", "role_needed") in refused(with_roles(item, **{role: None}))


@pytest.mark.parametrize("meaning", ["military_id", "natural_person", "uscc"])
def test_a_document_means_one_that_our_rules_know(meaning: str):
    documents = shipped("code_set", "document_kind")
    card = CodeValue(value="船员证", name="Seafarer's card", name_zh="船员证", meaning=meaning)
    widened = documents.model_copy(update={"values": (*documents.values, card)})
    assert refused(widened, "code_set") == {("/values", "used")}


@pytest.mark.parametrize("update", [{"name": "Natural person"}, {"name_zh": "自然人"}])
def test_two_values_of_a_code_set_share_no_name(update: dict[str, str]):
    kinds = shipped("code_set", "subject_category")
    values = (kinds.values[0].model_copy(update=update), *kinds.values[1:])
    assert refused(kinds.model_copy(update={"values": values}), "code_set") == {("/values", "ambiguous")}


def test_a_code_set_of_which_no_row_could_be_read_is_said_of_its_item_too(monkeypatch: pytest.MonkeyPatch):
    from tests.catalogue import test_acceptance as acceptance  # noqa: PLC0415 - only to stand beside what it holds

    kinds = shipped("code_set", "case_procedure")
    doubled = kinds.model_copy(
        update={"values": (kinds.values[0], kinds.values[1].model_copy(update={"name": "Simple procedure"}))}
    )
    monkeypatch.setattr(acceptance, "STANDING", {**acceptance.STANDING, ("code_set", kinds.code): doubled})
    assert refused(PENALTY) == {("", "not_compiled")}


def test_a_code_set_keeps_the_values_that_rules_of_items_name():
    penalties: CodeSet = shipped("code_set", "penalty_kind")
    fewer = penalties.model_copy(update={"values": tuple(each for each in penalties.values if each.value != "警告")})
    assert refused(fewer, "code_set") == {("/values", "used")}


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (with_field(PENALTY, "CF_NR_FK", required_if=(Condition(field="CF_CFLB", in_values=("罚金",)),)),
         "/fields/CF_NR_FK/required_if"),
        (with_field(PENALTY, "CF_NR_FK", required_if=(Condition(field="CF_JDRQ", in_values=("昨日",)),)),
         "/fields/CF_NR_FK/required_if"),
        (with_roles(PENALTY, procedure=None), "/simple_procedure_value"),
        (PENALTY.model_copy(update={"simple_procedure_value": "简易"}), "/simple_procedure_value"),
        (PENALTY.model_copy(update={"simple_procedure_value": None}), "/severity"),
        (with_roles(PENALTY, penalty_kinds=None), "/severity"),
        (with_roles(PENALTY, fine=None), "/severity"),
    ],
)  # fmt: skip
def test_a_rule_that_never_fires_is_refused(item: Item, where: str):
    assert refused(item) == {(where, "never_fires")}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("item", "administrative_penalty"),
        ("measure", "procurement_bar"),
        ("matter", "procurement_review"),
        ("party", "tax"),
    ],
)
def test_a_misspelt_duty_is_nobodys(kind: str, code: str):
    body = shipped(kind, code).model_copy(update={"duties": ("public_procurment",)})
    assert refused(body, kind) == {("/duties", "unknown_duty")}


def test_a_lower_tier_lists_duties_of_its_own():
    duties = shipped("code_set", "duty")
    own = CodeValue(value="night_market", name="Night markets", name_zh="夜市管理")
    city = duties.model_copy(update={"code": "duty.city", "values": (own,)})
    assert refused(city, "code_set", issued_by="city") == set()
    assert refused(duties.model_copy(update={"values": (*duties.values, own)}), "code_set", issued_by="city") == {
        ("/values", "widens")
    }


def test_the_shipped_items_meet_every_demand():
    for item in (PENALTY, LICENCE, DEFAULTER, RATING):
        assert refused(item) == set()
