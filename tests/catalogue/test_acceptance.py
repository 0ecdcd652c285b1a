"""What may not be published, and where the refusal points."""

from datetime import date

import pytest
from pydantic import ValidationError

from creditmesh.catalogue.acceptance import Issued, ProposedCatalogue, findings
from creditmesh.catalogue.objects import CatalogueObject, digest_of
from creditmesh.schemas.catalogue import Basis, CodeValue, DisplayRule, Item, Mask, SeverityRule
from tests.support.shipped import INVENTED, SHIPPED

ENTRIES = SHIPPED + INVENTED
STANDING = {(entry.kind, entry.code): entry.body for entry in ENTRIES}
ISSUED = {key: [Issued("nation", 1, body)] for key, body in STANDING.items()}
LOCAL = Basis(
    law="Regulation of Example City", law_zh="示例市社会信用条例", in_force_from=date(2024, 1, 1), level="city"
)


def shipped(kind: str, code: str):
    return next(entry.body for entry in ENTRIES if (entry.kind, entry.code) == (kind, code))


PENALTY = shipped("item", "administrative_penalty")
DEFAULTER = shipped("item", "judgment_defaulter")
LICENCE = shipped("item", "administrative_licence")
RATING = shipped("item", "taxpayer_rating_a")


def refused(body, kind: str = "item", *, issued_by: str = "nation") -> set[tuple[str, str]]:
    entries = (CatalogueObject(kind, body),)
    found = findings(entries, ProposedCatalogue(STANDING, entries, issued=ISSUED), issued_by=issued_by, sandbox=True)
    prefix = f"/{kind}/{body.code}"
    assert all(error.pointer.startswith(prefix) for error in found)
    assert all(error.detail and error.detail_zh for error in found)
    return {(error.pointer.removeprefix(prefix), error.code) for error in found}


def widened(after, before, kind: str = "item") -> set[tuple[str, str]]:
    """What is wrong with a city's version of what the nation issued otherwise than it is shipped."""
    entries, issued = (CatalogueObject(kind, after),), {(kind, before.code): [Issued("nation", 1, before)]}
    found = findings(entries, ProposedCatalogue(STANDING, entries, issued=issued), issued_by="city", sandbox=True)
    return {(e.pointer.removeprefix(f"/{kind}/{after.code}"), e.code) for e in found if e.code == "widens"}


def changed(body, **update):
    return type(body).model_validate({**body.model_dump(), **update})


def with_field(item: Item, code: str, /, **update) -> Item:
    fields = [spec.model_copy(update=update) if spec.code == code else spec for spec in item.fields]
    return item.model_copy(update={"fields": tuple(fields)})


def local_item(**update) -> Item:
    return changed(RATING, code="city_honour", tier="city", designates=None, basis=[LOCAL.model_dump()], **update)


def test_a_city_adds_an_item_on_a_basis_of_its_own():
    assert refused(local_item(), issued_by="city") == set()


def test_a_city_adds_none_on_a_basis_of_the_nation():
    item = local_item().model_copy(update={"basis": RATING.basis})
    assert refused(item, issued_by="city") == {("/basis", "basis_level")}


@pytest.mark.parametrize(("lists_of", "allowed"), [("nation", False), ("province", False), ("city", True)])
def test_a_citys_own_item_puts_nobody_on_a_list_of_a_tier_above(lists_of: str, *, allowed: bool):
    item = local_item().model_copy(update={"designates": RATING.designates})
    entries = (CatalogueObject("item", item),)
    found_list = STANDING["list", RATING.designates]
    issued = {("list", RATING.designates): [Issued(lists_of, 1, found_list), Issued("city", 2, found_list)]}
    known = ProposedCatalogue(STANDING, entries, issued=issued)
    found = findings(entries, known, issued_by="city", sandbox=True)
    expected = [] if allowed else [("/item/city_honour/designates", "list_above")]
    assert [(each.pointer, each.code) for each in found] == expected
    assert refused(RATING.model_copy(update={"retention_months": 24}), issued_by="city") == set(), "as the nation's did"


def test_a_city_does_not_issue_in_the_nations_name():
    item = local_item().model_copy(update={"tier": "nation"})
    assert refused(item, issued_by="city") == {("/tier", "tier")}


@pytest.mark.parametrize(
    ("update", "where"),
    [
        ({"severity": ()}, "/severity"),
        ({"severity": PENALTY.severity[1:]}, None),
        ({"fixed_severity": "serious"}, "/severity"),
        ({"severity": (PENALTY.severity[1].model_copy(update={"fine_from": "1"}),)}, "/severity"),
        ({"repair": PENALTY.repair.model_copy(update={"possible": False})}, "/repair"),
        ({"repair": PENALTY.repair.model_copy(update={"serious_months": 13})}, "/repair"),
        ({"repair": PENALTY.repair.model_copy(update={"serious_months": 6})}, None),
    ],
)
def test_a_city_is_no_harder_on_anybody_than_the_nation(update: dict, where: str | None):
    expected = set() if where is None else {(where, "widens")}
    assert refused(PENALTY.model_copy(update=update), issued_by="city") == expected


@pytest.mark.parametrize(
    ("update", "where"),
    [
        ({"duties": (*DEFAULTER.duties, "housing_construction")}, "/duties"),
        ({"display": DisplayRule(by="months", months=36)}, "/display"),
        ({"display": DisplayRule(by="until_valid")}, "/display"),
        ({"display": DEFAULTER.display.model_copy(update={"publishes_minor": True})}, "/display"),
        ({"retention_months": 120}, "/retention_months"),
        ({"tier": "city"}, "/tier"),
    ],
)
def test_a_city_never_widens_what_the_nation_issued(update: dict, where: str):
    assert (where, "widens") in refused(DEFAULTER.model_copy(update=update), issued_by="city")


def test_a_city_does_not_open_to_the_public_what_the_nation_keeps_among_departments():
    item = PENALTY.model_copy(update={"disclosure_by_kind": {}})
    assert refused(item, issued_by="city") == {("/disclosure", "widens")}


@pytest.mark.parametrize("update", [{"sensitive_for": ()}, {"mask": Mask(keep_left=1, keep_right=1)}])
def test_a_city_does_not_show_more_of_a_name(update: dict):
    item = with_field(PENALTY, "CF_XDR_MC", **update)
    assert refused(item, issued_by="city") == {("/fields/CF_XDR_MC", "widens")}


def test_a_city_collects_no_field_more():
    extra = RATING.fields[2].model_copy(update={"code": "EXTRA", "name_zh": "附加", "aliases": ()})
    item = RATING.model_copy(update={"fields": (*RATING.fields, extra)})
    assert refused(item, issued_by="city") == {("/fields", "widens")}
    assert refused(item, issued_by="nation") == set()


def test_a_city_may_narrow():
    item = PENALTY.model_copy(
        update={
            "kinds": ("organisation", "sole_trader", "natural_person"),
            "display": PENALTY.display.model_copy(update={"serious_months": 24, "minor_months": 0}),
        }
    )
    assert refused(item, issued_by="city") == set()


@pytest.mark.parametrize(
    ("nation", "city", "wider"),
    [
        ("public", "authorised", False),
        ("public", "sharing", False),
        ("sharing", "sharing", False),
        ("authorised", "authorised", False),
        ("authorised", "sharing", True),
        ("sharing", "authorised", True),
        ("sharing", "public", True),
        ("authorised", "public", True),
    ],
)
def test_what_is_shared_and_what_is_authorised_is_neither_inside_the_other(nation: str, city: str, *, wider: bool):
    before, after = (
        PENALTY.model_copy(update={"disclosure": each, "disclosure_by_kind": {}}) for each in (nation, city)
    )
    assert widened(after, before) == ({("/disclosure", "widens")} if wider else set())


def test_a_penalty_without_a_fine_is_rated_no_higher_by_a_city():
    warning = SeverityRule(severity="minor", penalty_kinds=("警告",))
    before = PENALTY.model_copy(update={"severity": (warning,)})
    fined = before.model_copy(update={"severity": (warning.model_copy(update={"fine_from": "0"}),)})
    assert widened(fined, before) == {("/severity", "widens")}
    assert widened(before, fined) == set()


def test_a_record_with_a_severity_keeps_one_in_a_city():
    until_valid = DisplayRule(by="until_valid")
    before = LICENCE.model_copy(update={"fixed_severity": "minor", "display": until_valid})
    none = before.model_copy(
        update={"fixed_severity": None, "severity": (SeverityRule(severity="minor", penalty_kinds=()),)}
    )
    assert widened(none, before) == {("/severity", "widens")}
    assert widened(before, none) == {("/severity", "widens")}
    assert widened(before, before.model_copy(update={"fixed_severity": "serious"})) == set()


@pytest.mark.parametrize(
    "role", ["representative_name", "representative_document_type", "representative_document_number", "registration"]
)
def test_a_city_frees_no_field_of_its_role(role: str):
    roles = PENALTY.roles.model_copy(update={role: None})
    assert (f"/roles/{role}", "widens") in refused(PENALTY.model_copy(update={"roles": roles}), issued_by="city")
    fields = tuple(spec for spec in PENALTY.fields if spec.code != getattr(PENALTY.roles, role))
    dropped = PENALTY.model_copy(update={"roles": roles, "fields": fields})
    assert (f"/roles/{role}", "widens") not in refused(dropped, issued_by="city")


@pytest.mark.parametrize("code", ["number_filler", "decision_filler"])
def test_a_city_adds_words_that_are_no_number_and_takes_none_away(code: str):
    words = shipped("code_set", code)
    more = words.model_copy(
        update={"values": (*words.values, CodeValue(value="查无此号", name="No such number", name_zh="查无此号"))}
    )
    assert refused(more, "code_set", issued_by="city") == set()
    aliased = words.values[0].model_copy(update={"aliases": (*words.values[0].aliases, "号不存在")})
    assert (
        refused(words.model_copy(update={"values": (aliased, *words.values[1:])}), "code_set", issued_by="city")
        == set()
    )
    fewer = words.model_copy(update={"values": words.values[1:]})
    assert refused(fewer, "code_set", issued_by="city") == {("/values", "widens")}


@pytest.mark.parametrize("months", [-5, 0])
def test_a_measures_own_period_has_a_month_at_least(months: int):
    measure = shipped("measure", "procurement_bar").model_copy(update={"months": months})
    assert refused(measure, "measure") == {("/months", "months")}


def test_a_city_collects_about_no_other_kind_of_subject():
    entries = (CatalogueObject("item", PENALTY),)
    issued = {("item", PENALTY.code): [Issued("nation", 1, PENALTY.model_copy(update={"kinds": ("organisation",)}))]}
    (found,) = findings(entries, ProposedCatalogue(STANDING, entries, issued=issued), issued_by="city", sandbox=True)
    assert (found.pointer, found.code) == ("/item/administrative_penalty/kinds", "widens")


def test_what_a_city_narrowed_it_may_widen_again_as_far_as_the_nation_went():
    entries = (CatalogueObject("item", PENALTY.model_copy(update={"retention_months": 54})),)
    narrowed = PENALTY.model_copy(update={"retention_months": 48})
    issued = {("item", PENALTY.code): [Issued("nation", 1, PENALTY), Issued("city", 2, narrowed)]}
    known = ProposedCatalogue(STANDING, entries, issued=issued)
    assert findings(entries, known, issued_by="city", sandbox=True) == ()


def test_a_city_corrects_an_unverified_basis():
    basis = PENALTY.basis[1].model_copy(update={"article": "20(6)", "verified": True})
    item = PENALTY.model_copy(update={"basis": (PENALTY.basis[0], basis, PENALTY.basis[2])})
    assert refused(item, issued_by="city") == set()


@pytest.mark.parametrize(("years", "wider"), [(None, False), (1, True), (2, True), (3, False), (5, False)])
def test_a_city_gives_a_reward_of_the_nation_for_no_fewer_clean_years(years: int | None, *, wider: bool):
    measure = shipped("measure", "green_channel").model_copy(update={"clean_years": years})
    assert refused(measure, "measure", issued_by="city") == ({("/clean_years", "widens")} if wider else set())


def test_a_reward_for_the_listed_alone_is_widened_by_clean_years():
    entries = (CatalogueObject("measure", shipped("measure", "green_channel")),)
    before = entries[0].body.model_copy(update={"clean_years": None})
    issued = {("measure", before.code): [Issued("nation", 1, before)]}
    (found,) = findings(entries, ProposedCatalogue(STANDING, entries, issued=issued), issued_by="city", sandbox=True)
    assert (found.pointer, found.code) == ("/measure/green_channel/clean_years", "widens")


@pytest.mark.parametrize(("code", "years"), [("procurement_bar", 3), ("green_channel", 0)])
def test_clean_years_are_whole_years_and_a_rewards(code: str, years: int):
    measure = shipped("measure", code).model_copy(update={"clean_years": years})
    assert ("/clean_years", "clean_years") in refused(measure, "measure")


def test_a_city_extends_no_measure_of_the_nation():
    measure = shipped("measure", "company_office_bar")
    wider = measure.model_copy(update={"kinds": ("natural_person", "organisation"), "reaches_responsible": True})
    assert refused(wider, "measure", issued_by="city") == {("/kinds", "widens"), ("/reaches_responsible", "widens")}


EARLIER = PENALTY.basis[0].model_copy(update={"in_force_from": date(2000, 1, 1)})


@pytest.mark.parametrize(
    ("update", "where"),
    [
        ({"roles": PENALTY.roles.model_copy(update={"display_until": None})}, "/roles/display_until"),
        ({"roles": PENALTY.roles.model_copy(update={"decided_on": "CF_YXQ"})}, "/roles/decided_on"),
        ({"roles": PENALTY.roles.model_copy(update={"source": None})}, "/roles/source"),
        ({"basis": (EARLIER,)}, "/basis"),
        ({"basis": (*PENALTY.basis, EARLIER)}, "/basis"),
        ({"nature": "neutral", "severity": (), "designates": None}, "/nature"),
        ({"designates": "judgment_defaulters"}, "/designates"),
        ({"simple_procedure_value": None}, "/simple_procedure_value"),
        ({"simple_procedure_value": "普通程序"}, "/simple_procedure_value"),
        ({"disclosure_by_kind": {"natural_person": "public"}}, "/disclosure"),
        ({"repair": PENALTY.repair.model_copy(update={"evidence": ("培训证明",)})}, "/repair"),
    ],
)
def test_a_city_leaves_every_rule_of_the_nations_item_as_narrow_as_it_was(update: dict, where: str):
    assert refused(PENALTY.model_copy(update=update), issued_by="city") >= {(where, "widens")}


@pytest.mark.parametrize(
    ("code", "update"),
    [
        ("CF_FR_ZJHM", {"about": "subject"}),
        ("CF_FR_ZJHM", {"mask": Mask(keep_left=6)}),
        ("CF_SY", {"sensitive_for": ("natural_person",)}),
        ("CF_XDR_MC", {"mask": Mask(keep_left=0, keep_right=1)}),
        ("CF_WFXW", {"max_length": None}),
        ("CF_NR_FK", {"maximum": "20000"}),
        ("CF_NR_FK", {"unit": "元"}),
        ("CF_FR_ZJLX", {"code_set": "licence_kind"}),
    ],
)
def test_a_city_takes_nothing_away_from_what_the_nation_says_of_a_field(code: str, update: dict):
    found = refused(with_field(PENALTY, code, **update), issued_by="city")
    assert (f"/fields/{code}", "widens") in found


def renamed(**names: dict) -> Item:
    item = PENALTY
    for code, update in names.items():
        item = with_field(item, code, **update)
    return item


@pytest.mark.parametrize(
    ("names", "into"),
    [
        (
            {"CF_XDR_ZJHM": {"name_zh": "号", "aliases": ()}, "CF_YJ": {"aliases": ("证件号码", "身份证号码")}},
            ["CF_YJ"],
        ),
        ({"BZ": {"name_zh": "其他", "aliases": ()}, "CF_SY": {"aliases": ("（1）備 註",)}}, ["CF_SY"]),
        ({"CF_SY": {"name_zh": "备注", "aliases": ()}, "BZ": {"name_zh": "处罚事由"}}, ["BZ", "CF_SY"]),
    ],
)
def test_a_citys_names_lead_no_column_of_the_nation_into_another_field(names: dict, into: list[str]):
    assert refused(renamed(**names), issued_by="city") == {(f"/fields/{code}", "widens") for code in into}
    assert refused(renamed(**names), issued_by="nation") == set()


def test_nor_into_one_that_stands_where_theirs_was_taken_away():
    kept = tuple(spec for spec in PENALTY.fields if spec.code != "BZ")
    item = with_field(PENALTY.model_copy(update={"fields": kept}), "CF_SY", aliases=("BZ",))
    assert refused(item, issued_by="city") == {("/fields/CF_SY", "widens")}


def test_a_city_adds_and_takes_away_names_that_the_nation_does_not_give():
    names = {"CF_SY": {"aliases": ("违法情节",)}, "BZ": {"name_zh": "补充说明", "aliases": ()}}
    assert refused(renamed(**names), issued_by="city") == set()


def test_a_city_shares_nothing_upwards_that_the_nation_keeps_below():
    entries = (CatalogueObject("item", PENALTY),)
    before = PENALTY.model_copy(update={"shared_upwards": False})
    issued = {("item", PENALTY.code): [Issued("nation", 1, before)]}
    (found,) = findings(entries, ProposedCatalogue(STANDING, entries, issued=issued), issued_by="city", sandbox=True)
    assert (found.pointer, found.code) == ("/item/administrative_penalty/shared_upwards", "widens")


@pytest.mark.parametrize(
    ("kind", "code", "update", "where"),
    [
        ("matter", "procurement_review", {"items": ("administrative_licence",)}, "/items"),
        ("matter", "procurement_review", {"duties": ("public_procurement", "transport")}, "/duties"),
        ("matter", "procurement_review", {"measures": ("company_office_bar",)}, "/measures"),
        ("measure", "procurement_bar", {"duties": ("public_procurement", "transport")}, "/duties"),
        ("purpose", "credit_assessment", {"callers": ("bureau", "department")}, "/callers"),
        ("purpose", "credit_assessment", {"ground": "statutory"}, "/ground"),
        ("procedure", "objection", {"accept_working_days": 2}, "/accept_working_days"),
        ("procedure", "objection", {"decide_working_days": 3}, "/decide_working_days"),
        ("procedure", "objection", {"review_working_days": 11}, "/review_working_days"),
        ("procedure", "objection", {"appeal_working_days": 9}, "/appeal_working_days"),
        ("procedure", "objection", {"documents": ("proof",)}, "/documents"),
        ("procedure", "repair", {"whole_working_days": None}, "/whole_working_days"),
        ("list", "a_rated_taxpayers", {"severe": True}, "/severe"),
        ("list", "judgment_defaulters", {"exit": "Never."}, "/exit"),
        ("code_set", "penalty_kind", {"open": True}, None),
        ("code_set", "licence_state", {"open": True}, "/open"),
        ("rule", "forbidden_attributes", {"forbids": ()}, "/forbids"),
    ],
)
def test_a_city_widens_no_object_of_the_nation(kind: str, code: str, update: dict, where: str | None):
    expected = set() if where is None else {(where, "widens")}
    assert refused(shipped(kind, code).model_copy(update=update), kind, issued_by="city") == expected


def test_a_city_makes_nobody_public_by_another_meaning_of_a_code():
    kinds = shipped("code_set", "subject_category")
    person = kinds.values[1].model_copy(update={"meaning": "organisation"})
    values = (kinds.values[0], person, kinds.values[2])
    assert ("/values/自然人", "widens") in refused(
        kinds.model_copy(update={"values": values}), "code_set", issued_by="city"
    )
    aliased = kinds.values[0].model_copy(update={"aliases": ("自由职业者",)})
    values = (aliased, *kinds.values[1:])
    assert refused(kinds.model_copy(update={"values": values}), "code_set", issued_by="city") == {
        ("/values/法人及非法人组织", "widens")
    }


def test_a_city_softens_no_word_of_what_may_not_be_collected():
    rule = shipped("rule", "forbidden_attributes")
    softer = rule.forbids[0].model_copy(update={"words": rule.forbids[0].words[1:]})
    found = refused(rule.model_copy(update={"forbids": (softer, *rule.forbids[1:])}), "rule", issued_by="city")
    assert found == {(f"/forbids/{softer.code}", "widens")}


def test_a_city_adds_a_matter_on_a_basis_of_its_own_and_no_purpose():
    matter = shipped("matter", "procurement_review").model_copy(update={"code": "city_matter"})
    assert refused(matter, "matter", issued_by="city") == {("/basis", "basis_level")}
    assert refused(matter.model_copy(update={"basis": (LOCAL,)}), "matter", issued_by="city") == set()
    purpose = shipped("purpose", "credit_assessment").model_copy(update={"code": "city_purpose"})
    assert refused(purpose, "purpose", issued_by="city") == {("", "closed_list")}


def test_a_city_may_shorten_clocks_and_ask_for_less():
    procedure = shipped("procedure", "repair")
    narrower = {"decide_working_days": 5, "whole_working_days": 7, "appeal_working_days": 20, "documents": ("proof",)}
    assert refused(procedure.model_copy(update=narrower), "procedure", issued_by="city") == set()
    matter = shipped("matter", "procurement_review")
    assert refused(matter.model_copy(update={"items": matter.items[:1]}), "matter", issued_by="city") == set()


def test_a_city_does_not_allow_what_the_law_forbids_to_collect():
    rule = shipped("rule", "forbidden_attributes")
    softer = rule.model_copy(update={"forbids": rule.forbids[1:]})
    assert refused(softer, "rule", issued_by="city") == {("/forbids", "widens")}


@pytest.mark.parametrize("header", [{"name_zh": "宗教信仰"}, {"code": "BLOOD"}, {"aliases": ("指纹编号",)}])
def test_no_item_has_a_field_for_a_forbidden_attribute(header: dict):
    code = header.get("code", "NSRSBH")
    assert refused(with_field(RATING, "NSRSBH", **header)) >= {(f"/fields/{code}", "forbidden_attribute")}


def test_nothing_is_published_without_a_basis():
    assert refused(RATING.model_copy(update={"basis": ()})) == {("/basis", "no_basis")}


def test_a_role_names_a_field_of_the_item():
    roles = RATING.roles.model_copy(update={"fine": "NSR_FK"})
    assert refused(RATING.model_copy(update={"roles": roles})) == {("/roles/fine", "not_there")}


def test_an_item_for_several_kinds_says_which_is_which():
    roles = PENALTY.roles.model_copy(update={"kind": None})
    assert refused(PENALTY.model_copy(update={"roles": roles})) == {("/roles/kind", "kind")}


def test_the_values_of_the_kind_mean_every_kind_of_the_item():
    item = DEFAULTER.model_copy(update={"kinds": ("organisation", "sole_trader", "natural_person")})
    assert refused(item) == {("/roles/kind", "not_there")}


def test_a_coded_field_names_a_code_set_that_is_there():
    assert refused(with_field(PENALTY, "CF_CFLB", code_set="nowhere")) == {("/fields/CF_CFLB/code_set", "not_there")}
    assert refused(with_field(PENALTY, "CF_CFLB", code_set=None)) == {("/fields/CF_CFLB", "code_set")}


def test_amounts_are_decimal_numbers():
    rule = PENALTY.severity[1].model_copy(update={"fine_from": "many"})
    assert refused(PENALTY.model_copy(update={"severity": (rule,)})) == {("/severity", "decimal")}
    assert refused(with_field(PENALTY, "CF_NR_FK", maximum="NaN")) == {("/fields/CF_NR_FK/maximum", "decimal")}


def test_severity_rests_on_kinds_of_penalty_that_are_listed():
    rule = PENALTY.severity[0].model_copy(update={"penalty_kinds": ("没收祖产",)})
    assert refused(PENALTY.model_copy(update={"severity": (rule,)})) == {("/severity", "not_there")}


def test_two_fields_share_no_name():
    assert refused(with_field(RATING, "SWJG", aliases=("纳税人 名称",))) == {("/fields", "ambiguous")}


def test_two_values_of_a_code_set_share_no_spelling():
    kinds = shipped("code_set", "debtor_kind")
    values = (kinds.values[0], kinds.values[1].model_copy(update={"aliases": ("个人",)}))
    assert refused(kinds.model_copy(update={"values": values}), "code_set") == {("/values", "ambiguous")}


def test_a_restriction_follows_from_no_red_list_and_a_reward_from_no_black_one():
    measure = shipped("measure", "green_channel")
    wrong = measure.model_copy(update={"lists": ("judgment_defaulters",)})
    assert refused(wrong, "measure") == {("/lists", "colour")}
    assert refused(RATING.model_copy(update={"designates": "judgment_defaulters"})) == {("/designates", "colour")}


@pytest.mark.parametrize(
    ("kind", "code", "update", "where"),
    [
        ("measure", "green_channel", {"matters": ("nowhere",)}, "/matters"),
        ("measure", "green_channel", {"lists": ("nowhere",)}, "/lists"),
        ("matter", "procurement_review", {"items": ("nowhere",)}, "/items"),
        ("matter", "procurement_review", {"measures": ("nowhere",)}, "/measures"),
    ],
)
def test_nothing_names_what_is_not_there(kind: str, code: str, update: dict, where: str):
    assert refused(shipped(kind, code).model_copy(update=update), kind) == {(where, "not_there")}


def test_what_is_published_together_may_name_each_other():
    matter = shipped("matter", "procurement_review").model_copy(update={"code": "other", "measures": ("other",)})
    measure = shipped("measure", "procurement_bar").model_copy(update={"code": "other", "matters": ("other",)})
    entries = (CatalogueObject("matter", matter), CatalogueObject("measure", measure))
    assert findings(entries, ProposedCatalogue(STANDING, entries), issued_by="nation", sandbox=True) == ()


def test_a_partys_code_has_a_right_check_digit_and_is_its_own():
    tax = shipped("party", "tax")
    assert refused(tax.model_copy(update={"uscc": tax.uscc[:-1] + "0"}), "party") == {("/uscc", "check_digit")}
    taken = tax.model_copy(update={"code": "other_tax"})
    assert refused(taken, "party") == {("/uscc", "code_taken")}


def test_a_body_is_known_by_its_content_and_not_by_its_number():
    assert digest_of(PENALTY) == digest_of(PENALTY.model_copy(update={"number": 7}))
    assert digest_of(PENALTY) != digest_of(PENALTY.model_copy(update={"retention_months": 61}))


def test_a_kind_of_case_has_one_procedure_and_it_has_a_basis():
    procedure = shipped("procedure", "repair")
    assert refused(procedure, "procedure") == set()
    assert refused(changed(procedure, code="other"), "procedure") == {("/case", "case_taken")}
    assert refused(changed(procedure, basis=[]), "procedure") == {("/basis", "no_basis")}


def test_records_are_kept_at_least_as_long_as_they_can_be_sued_over():
    with pytest.raises(ValidationError, match="retention_months"):
        changed(PENALTY, retention_months=-60)
    assert refused(changed(PENALTY, retention_months=5)) == {("/retention_months", "retention_short")}
    assert refused(changed(PENALTY, retention_months=6)) == set()
