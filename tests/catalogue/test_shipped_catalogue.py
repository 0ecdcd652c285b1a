"""What is shipped is lawful by our own rules, complete, and about nobody."""

from datetime import date

import pytest

from creditmesh.catalogue import folder, sandbox
from creditmesh.catalogue.acceptance import ProposedCatalogue, findings
from creditmesh.schemas.catalogue import CodeSet, CreditList, Item, Matter, Measure, Party, Procedure, Purpose, Rule
from creditmesh.schemas.rules.compile import compile_item
from creditmesh.schemas.rules.identity import is_invented
from creditmesh.schemas.rules.numbers import uscc_check
from tests.support.shipped import INVENTED, SHIPPED

ENTRIES = SHIPPED + INVENTED


def every(model):
    return [entry.body for entry in ENTRIES if isinstance(entry.body, model)]


def one(model, code: str):
    return next(body for body in every(model) if body.code == code)


def sets() -> dict[str, CodeSet]:
    return {body.code: body for body in every(CodeSet)}


def test_nothing_forbids_to_publish_it_on_an_empty_sandbox():
    assert findings(ENTRIES, ProposedCatalogue({}, ENTRIES), issued_by="nation", sandbox=True) == ()


def test_its_parties_may_not_be_published_outside_a_sandbox():
    found = findings(ENTRIES, ProposedCatalogue({}, ENTRIES), issued_by="nation", sandbox=False)
    assert {error.code for error in found} == {"invented"}
    assert {error.pointer.split("/")[2] for error in found} == {party.code for party in every(Party)}


@pytest.mark.parametrize("tier", ["city", "province", "nation"])
def test_a_sandbox_of_every_tier_has_parties_for_every_measure_and_matter(tier: str):
    parties = folder.read(folder.invented(tier))
    entries = (*SHIPPED, *parties)
    assert findings(entries, ProposedCatalogue({}, entries), issued_by="nation", sandbox=True) == ()
    duties = {duty for entry in parties for duty in entry.body.duties}
    needed = {duty for body in (*every(Measure), *every(Matter)) for duty in body.duties}
    assert needed | {"credit_management"} <= duties
    assert [entry.code for entry in parties if entry.body.kind == "node"] == [tier]


def test_departments_of_two_tiers_are_never_taken_for_each_other():
    """But for the credit office, whose code is the same everywhere: a record's `party` travels with it."""
    codes = [entry.code for tier in ("city", "province", "nation") for entry in folder.read(folder.invented(tier))]
    assert {code for code in codes if codes.count(code) > 1} == {"credit_office"}
    numbers = [
        entry.body.uscc for tier in ("city", "province", "nation") for entry in folder.read(folder.invented(tier))
    ]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("node", ["cityb", "cityc", "b2"])
def test_a_sandbox_node_of_another_code_has_a_row_of_its_own(node: str):
    made = sandbox.parties(folder.read(folder.invented("city")), node)
    (own,) = [entry.body for entry in made if entry.body.kind == "node"]
    assert own.code == node
    assert own.uscc == sandbox.invented_uscc(node)
    assert is_invented("uscc", own.uscc)
    assert findings(made, ProposedCatalogue({}, made), issued_by="city", sandbox=True) == ()


def test_licence_and_penalty_have_the_fields_of_the_2018_set():
    assert len(one(Item, "administrative_licence").fields) == 28
    assert len(one(Item, "administrative_penalty").fields) == 30 + 1
    assert [spec.code for spec in one(Item, "administrative_penalty").fields[-9:]] == [
        *("CF_JDRQ", "CF_YXQ", "CF_GSJZQ", "CF_CFJG", "CF_CFJGDM", "CF_SJLY", "CF_SJLYDM", "CF_AJCX", "BZ"),
    ]


@pytest.mark.parametrize(
    ("item", "drifted", "code"),
    [
        ("administrative_penalty", "CF_FDDB", "CF_FRDB"),
        ("administrative_penalty", "CF_FR_SFZH", "CF_FR_ZJHM"),
        ("administrative_penalty", "CF_XKJG", "CF_CFJG"),
        ("administrative_licence", "XK_FDDB", "XK_FRDB"),
        ("administrative_licence", "XK_FR_ZJHM", "XK_FR_SFZH"),
    ],
)
def test_codes_that_drifted_are_read_as_the_field_they_mean(item: str, drifted: str, code: str):
    assert drifted in one(Item, item).field(code).aliases


def test_every_item_compiles_with_its_code_sets():
    for item in every(Item):
        assert compile_item(item, sets(), every(Rule)).codes == tuple(spec.code for spec in item.fields)


def test_every_kind_of_penalty_in_the_code_set_has_its_severity_but_the_open_one():
    item, kinds = one(Item, "administrative_penalty"), sets()["penalty_kind"]
    ruled = {kind for rule in item.severity for kind in rule.penalty_kinds}
    assert {value.value for value in kinds.values} - ruled == {"其他"}


def test_natural_persons_are_public_only_where_the_law_publishes_them():
    opened = {
        item.code
        for item in every(Item)
        if "natural_person" in item.kinds and item.disclosed("natural_person") == "public"
    }
    assert opened == {"judgment_defaulter"}


@pytest.mark.parametrize("item", every(Item), ids=lambda item: item.code)
def test_numbers_and_names_of_persons_are_sensitive_in_every_item(item: Item):
    roles = item.roles
    for kind in set(item.kinds) - {"organisation"}:
        for code in filter(None, (roles.uscc, roles.registration, roles.document_number)):
            assert item.field(code).sealed_for(kind), code
    if "natural_person" in item.kinds:
        assert item.field(roles.name).sealed_for("natural_person")
    for code in filter(None, (roles.representative_name, roles.representative_document_number)):
        assert item.field(code).sensitive
        assert item.field(code).about == "representative"


def test_a_representatives_number_is_never_shown_in_part():
    for item in every(Item):
        if item.roles.representative_document_number is not None:
            assert item.field(item.roles.representative_document_number).mask is None


def test_organisations_and_sole_traders_are_named_in_clear():
    for item in every(Item):
        for kind in {"organisation", "sole_trader"} & set(item.kinds):
            assert not item.field(item.roles.name).sealed_for(kind)


def test_facts_and_contents_of_penalties_are_public_of_organisations_alone():
    item = one(Item, "administrative_penalty")
    for code in ("CF_SY", "CF_NR"):
        sealed = {kind for kind in item.kinds if item.field(code).sealed_for(kind)}
        assert sealed == {"sole_trader", "natural_person"}
    assert item.field("BZ").sensitive


def test_the_severe_list_and_the_red_list_are_designated_by_their_items():
    assert one(CreditList, one(Item, "judgment_defaulter").designates).severe
    assert one(CreditList, one(Item, "taxpayer_rating_a").designates).colour == "red"


def test_there_are_five_measures_and_one_of_them_rewards():
    assert sorted(measure.nature for measure in every(Measure)) == ["restriction"] * 4 + ["reward"]


def test_both_kinds_of_case_have_their_clocks_and_say_that_they_are_not_verified():
    assert {body.case: (body.accept_working_days, body.decide_working_days) for body in every(Procedure)} == {
        "objection": (1, 2),
        "repair": (3, 10),
    }
    assert one(Procedure, "repair").whole_working_days == 10
    assert one(Procedure, "repair").documents == ("proof", "commitment")
    assert not any(body.verified for body in every(Procedure))


def test_measures_and_matters_name_each_other():
    pairs = {(measure.code, matter) for measure in every(Measure) for matter in measure.matters}
    assert pairs == {(measure, matter.code) for matter in every(Matter) for measure in matter.measures}


def test_every_duty_that_is_asked_for_is_some_partys():
    asked = {duty for model in (Item, Measure, Matter) for body in every(model) for duty in body.duties}
    assert asked <= {duty for party in every(Party) for duty in party.duties}


def test_both_grounds_have_a_purpose():
    assert {purpose.ground for purpose in every(Purpose)} == {"statutory", "authorisation"}


@pytest.mark.parametrize("party", every(Party), ids=lambda party: party.code)
def test_every_party_is_invented_and_its_codes_have_right_check_digits(party: Party):
    for code in (party.uscc, *party.issues_for):
        assert uscc_check(code[:-1]) == code[-1]
        assert is_invented("uscc", code)
    assert "示例" in party.name_zh


def test_what_rests_on_something_unconfirmed_says_so():
    for item in every(Item):
        doubts = [
            *(basis.verified for basis in item.basis),
            *(spec.verified for spec in item.fields),
            *(rule.verified for rule in item.severity),
            item.display.verified,
        ]
        assert item.verified == all(doubts), item.code
    for body in (*every(Measure), *every(Matter), *every(CreditList)):
        assert body.verified == all(basis.verified for basis in body.basis), body.code


def test_bases_began_before_today_and_say_where():
    for body in (*every(Item), *every(Measure), *every(Matter), *every(CreditList), *every(Rule), *every(Procedure)):
        for basis in body.basis:
            assert date(1949, 10, 1) <= basis.in_force_from <= date(2026, 11, 20)
            assert basis.verified or basis.source, f"{body.code}: {basis.law_zh}"


def test_the_forbidden_attributes_are_found_in_both_languages_and_nothing_else_is():
    rule = one(Rule, "forbidden_attributes")
    for header in ("宗教信仰", "当事人血型", "FINGERPRINT_ID", "Blood type", "基因信息", "既往病史", "指纹"):
        assert rule.forbidden(header) is not None, header
    for header in ("GENERAL_REMARKS", "备注", "处罚依据", "CF_WFXW", "UNPERFORMPART"):
        assert rule.forbidden(header) is None, header
