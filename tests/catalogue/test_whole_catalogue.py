"""All that is shipped: lawful by our own rules; any row of any item is read, shown to whom it may be, and ends."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditmesh.catalogue import folder
from creditmesh.catalogue.acceptance import Issued, ProposedCatalogue, findings
from creditmesh.matching.reach import measures_in_force
from creditmesh.query.publication import open_items
from creditmesh.schemas.catalogue import CreditList, Item, Matter, Measure
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged
from creditmesh.schemas.rules.calendar import OPEN_END
from creditmesh.schemas.rules.visibility import Law
from tests.catalogue.whole_rows import ITEMS, RULES, SETS, TODAY, compiled, example, gate, rows
from tests.ingestion.rows import resident
from tests.support.catalogue_page import CLASSES
from tests.support.demands import whole
from tests.support.shipped import SHIPPED

FEW = settings(max_examples=3, database=None, deadline=None, suppress_health_check=list(HealthCheck))
LISTS = {entry.code: entry.body for entry in whole() if isinstance(entry.body, CreditList)}
MEASURES = {entry.code: entry.body for entry in whole() if isinstance(entry.body, Measure)}
MATTERS = {entry.code: entry.body for entry in whole() if isinstance(entry.body, Matter)}


def test_nothing_forbids_to_publish_all_of_it_on_a_real_node():
    assert findings(whole(), ProposedCatalogue({}, whole()), issued_by="nation", sandbox=False) == ()


def test_what_a_sandbox_takes_is_part_of_it_and_nothing_stands_twice():
    names = [(entry.kind, entry.code) for entry in whole()]
    assert len(set(names)) == len(names)
    assert all(entry in whole() for entry in SHIPPED)


@pytest.mark.parametrize("place", folder.places())
def test_the_rules_of_a_place_widen_nothing_that_the_nation_issued(place: str):
    over = folder.read(folder.of_place(place))
    above = {(entry.kind, entry.code): entry.body for entry in whole()}
    issued = {key: [Issued("nation", 1, body)] for key, body in above.items()}
    for tier in ("city", "province"):
        assert findings(over, ProposedCatalogue(above, over, issued=issued), issued_by=tier, sandbox=False) == ()
    assert {entry.body.case for entry in over} == {"objection", "repair"}
    assert not any(entry.body.verified for entry in over)


def test_every_class_of_the_national_catalogue_has_an_item_and_no_item_is_outside_them():
    assert {item.record_class for item in ITEMS} == set(CLASSES)


def test_all_four_kinds_of_severe_conduct_have_lists_with_a_standard_and_an_item_that_designates_them():
    severe = {code: each for code, each in LISTS.items() if each.severe and code != "judgment_defaulters"}
    assert {each.ground for each in severe.values()} == {
        "health_and_life",
        "market_and_social_order",
        "refusing_legal_duty",
        "refusing_defence_duty",
    }
    assert all(each.standard and each.exit and each.colour == "black" for each in severe.values())
    assert set(severe) <= {item.designates for item in ITEMS}


def test_every_list_is_reached_by_an_item_and_has_a_measure():
    assert set(LISTS) == {item.designates for item in ITEMS} - {None}
    assert set(LISTS) == {code for measure in MEASURES.values() for code in measure.lists}


def test_measures_and_matters_name_each_other_in_all_of_it():
    pairs = {(code, matter) for code, measure in MEASURES.items() for matter in measure.matters}
    assert pairs == {(measure, code) for code, matter in MATTERS.items() for measure in matter.measures}


def test_a_body_that_must_apply_a_measure_has_a_duty_of_each_matter_that_it_applies_to():
    """But for the green channel of firms, whose bodies license as well as they have their own field."""
    for code, measure in MEASURES.items():
        for matter in measure.matters if code != "green_channel" else ():
            assert set(measure.duties) & set(MATTERS[matter].duties), (code, matter)


def test_a_measure_stands_in_matters_that_read_an_item_of_its_lists():
    by_list: dict[str, set[str]] = {}
    for item in ITEMS:
        by_list.setdefault(item.designates or "", set()).add(item.code)
    unread = {
        (code, matter)
        for code, measure in MEASURES.items()
        for matter in measure.matters
        if not set().union(*(by_list[each] for each in measure.lists)) & set(MATTERS[matter].items)
    }
    assert unread == set()


def test_every_item_that_is_shared_is_read_by_some_matter():
    read = {code for matter in MATTERS.values() for code in matter.items}
    unread = {item.code for item in ITEMS if item.code not in read and "sharing" in _ways(item)}
    assert unread == set()


def _ways(item: Item) -> set[str]:
    return {item.disclosed(kind) for kind in item.kinds}


def test_natural_persons_are_public_only_where_the_law_publishes_them():
    opened = {
        item.code for item in ITEMS if "natural_person" in item.kinds and "public" in item.disclosed("natural_person")
    }
    assert opened == {"judgment_defaulter"}


def test_what_is_favourable_of_a_person_needs_the_persons_consent_in_the_row():
    for item in ITEMS:
        if item.nature == "favourable" and "natural_person" in item.kinds:
            (spec,) = (spec for spec in item.fields if spec.code_set == "consent_given")
            person = [value.value for value in SETS["subject_category"].values if value.meaning == "natural_person"]
            asked = any(each.field == item.roles.kind and {*each.in_values} & {*person} for each in spec.required_if)
            assert spec.required or asked, item.code
    assert [value.value for value in SETS["consent_given"].values] == ["是"]


FIRST_EDITIONS = {"遵守法律法规情况信息": 2022, "知识产权信息": 2024}
"""Of the national catalogue: which edition has a class first, where it is not that of 2021."""


def test_no_item_rests_on_an_edition_of_the_national_catalogue_without_its_class_or_beyond_its_end():
    for item in ITEMS:
        editions = {
            int(basis.law_zh[-7:-3]): basis for basis in item.basis if "全国公共信用信息基础目录" in basis.law_zh
        }
        assert not editions or min(editions) >= FIRST_EDITIONS.get(item.record_class, 2021), item.code
        for year, basis in editions.items():
            assert (basis.in_force_until is None) == (year == max(editions)), item.code
        assert not editions or max(editions) == 2024, item.code


NO_PENALTY = {"student_conduct", "administrative_coercion", "bribery_judgment", "judgment_execution",
              "contract_breach", "association_discipline"}  # fmt: skip
"""What is found of persons by a school, a court, a contracting body or an association, or is a measure of coercion."""


@pytest.mark.parametrize(
    "code",
    [i.code for i in ITEMS if i.nature == "adverse" and "natural_person" in i.kinds and i.designates is None
     and i.code not in {*NO_PENALTY, "administrative_penalty"}],
)  # fmt: skip
def test_a_decision_about_a_person_says_its_procedure_and_is_no_penalty(code: str):
    """A penalty stands once, as `administrative_penalty`; by simple procedure it is collected nowhere."""
    item = compiled(code).item
    procedure, kind = item.field(item.roles.procedure or ""), next(f for f in item.fields if f.code.endswith("_CLLX"))
    assert item.simple_procedure_value == "简易程序"
    assert procedure.required or "自然人" in procedure.required_if[0].in_values
    row = example(item) | {procedure.code: "简易程序"}
    assert "simple_procedure_person" in {each.code for each in gate(code).judge(row).refusals}
    said = compiled(code).validate(row | {kind.code: "行政处罚"})
    assert [each.pointer for each in said] == [f"/{kind.code}"]


def test_no_record_without_the_protections_of_an_adverse_one_says_a_breach():
    breach = {"吊销", "撤销", "暂停", "未履行", "部分履行", "全部未履行", "公开谴责", "劝退", "通报批评", "处分"}
    for item in ITEMS:
        sets = [SETS[spec.code_set] for spec in item.fields if spec.code_set and item.nature != "adverse"]
        words = {
            word for found in sets for value in found.values if value.active for word in (value.value, *value.aliases)
        }
        assert not any(each in word for word in words for each in breach), item.code
        assert not any(value.adverse for found in sets for value in found.values), item.code


def test_what_a_class_is_given_by_says_whether_it_was_confirmed():
    assert [item.code for item in ITEMS if item.fixed_severity is not None] == ["judgment_defaulter"]
    for item in ITEMS:
        if (item.designates or "").startswith("severe_"):
            assert [(rule.severity, rule.verified) for rule in item.severity] == [("serious", False)], item.code
            assert not item.display.verified, item.code


def test_a_matter_reads_of_the_severe_items_those_whose_lists_its_measures_target():
    lists = {item.code: item.designates for item in ITEMS if item.code.startswith("severe_")}
    for matter in MATTERS.values():
        targeted = {each for measure in matter.measures for each in MEASURES[measure].lists}
        assert {lists[code] for code in matter.items if code in lists} <= targeted, matter.code


def test_nobody_is_barred_for_longer_than_the_law_of_the_bar_says():
    assert {(code, MEASURES[code].months) for code in MEASURES if "severe_military_service" in MEASURES[code].lists
            and MEASURES[code].name_zh.startswith(("限制出境", "限制升学"))} == {
        ("exit_bar_of_draft_evaders", 24), ("school_admission_bar", 24)}  # fmt: skip


def test_a_reward_that_counts_as_confirmed_targets_whom_its_paragraph_names():
    """国办发〔2016〕98号 六(一): model persons of integrity, volunteers, members recommended, whom media found."""
    named = {"integrity_models", "outstanding_volunteers", "recommended_members"}
    for measure in MEASURES.values():
        if measure.nature == "reward" and measure.verified:
            assert set(measure.lists) <= named, measure.code
    assert next(item for item in ITEMS if item.code == "media_model").designates == "integrity_models"


def test_a_student_is_taken_with_a_document_that_tells_the_age_alone():
    item = compiled("student_conduct").item
    kinds = SETS[item.field(item.roles.document_type or "").code_set or ""]
    assert [value.meaning for value in kinds.values] == ["resident_id"]
    said = compiled("student_conduct").validate(example(item) | {"XS_ZJLX": "护照", "XS_ZJHM": "E12345678"})
    assert "/XS_ZJLX" in {each.pointer for each in said}


def a_real_node() -> Directory:
    """What a node that is no sandbox knows after it took all of it."""
    node = Directory()
    for number, entry in enumerate(whole(), 1):
        change = CatalogueChanged(kind=entry.kind, code=entry.code, number=1, state="published",
                                  effective=date(2000, 1, 1), body=entry.body.model_dump(mode="json"))  # fmt: skip
        node.apply(SimpleNamespace(number=number, type=change.type, part=0, data=change.model_dump_json().encode()))
    return node


def test_on_a_real_node_nothing_of_it_acts_because_it_was_shipped():
    node = a_real_node()
    inert = node.inert(on=TODAY)
    for item in ITEMS:
        listed = item.designates is None or item.designates in node.lists(on=TODAY)
        assert (item.code in inert) == (not listed or not any(basis.verified for basis in item.basis)), item.code
    assert {item.code for item in ITEMS if item.code.startswith("severe_")} <= inert
    assert {"utility_arrears", "professional_title", "government_body_integrity", "administrative_coercion"} <= inert
    assert open_items(node, on=TODAY).keys() == {
        "administrative_penalty",
        "administrative_licence",
        "judgment_defaulter",
    }
    assert node.law(TODAY).withdrawn == inert
    assert all(each.verified for each in node.lists(on=TODAY).values())
    assert {code for code in MATTERS if node.matter(code, on=TODAY) is not None} == {"consumption_restriction"}
    assert all(measure.verified for measure in measures_in_force(node, on=TODAY).values())
    node.sandbox = True
    node.answers.cache_clear()
    assert node.inert(on=TODAY) == frozenset()


def test_a_register_is_taken_that_is_older_than_the_rule_by_which_it_is_shared():
    for code, day in (
        ("market_registration", "1998-06-01"),
        ("medical_professional", "1999-07-01"),
        ("professional_title", "2003-01-09"),
    ):
        row = example(compiled(code).item)
        row = row | {compiled(code).item.roles.decided_on: day}
        assert gate(code).judge(row).refusals == [], code
    row = example(compiled("price_breach").item)
    row[compiled("price_breach").item.roles.decided_on] = "1990-01-01"
    assert {each.code for each in gate("price_breach").judge(row).refusals} == {"basis_not_in_force"}


def test_a_commitments_own_number_holds_no_row_and_a_persons_in_its_place_does():
    row = example(compiled("commitment").item)
    numbers = [f"44030020190419{number:06}" for number in range(1, 400)]
    held = [n for n in numbers if gate("commitment").judge(row | {"CN_BM": n}).holds]
    assert held == []
    for number in (resident(7), f"{resident(7)}01", "13800138000"):
        assert "personal_number" in {each.code for each in gate("commitment").judge(row | {"CN_BM": number}).holds}, (
            number
        )


def test_arrears_of_utilities_ground_nothing():
    item = next(item for item in ITEMS if item.code == "utility_arrears")
    assert (item.nature, item.designates, _ways(item)) == ("neutral", None, {"sharing"})
    assert not any(matter.measures for matter in MATTERS.values() if item.code in matter.items)


def test_what_is_passed_up_about_governments_goes_up_from_every_tier():
    for code in ("government_body_integrity", "civil_servant_integrity"):
        item = next(item for item in ITEMS if item.code == code)
        assert item.shared_by("city")
        assert item.shared_by("province")


@pytest.mark.parametrize(
    "header",
    [
        "收入",
        "个人收入",
        "月薪",
        "工资",
        "缴费基数",
        "家庭经济状况",
        "INCOME",
        "存款",
        "理财",
        "有价证券",
        "股权",
        "商业保险",
        "保险金额",
        "不动产",
        "房产",
        "纳税总额",
        "纳税数额",
        "税款金额",
        "健康状况",
        "残疾类别",
        "精神障碍诊断",
        "传染病",
        "医疗",
        "民族",
        "信教",
        "独生子女",
    ],
)
def test_the_second_group_of_forbidden_attributes_is_refused_too(header: str):
    (rule,) = RULES
    assert rule.forbidden(header) is not None


@pytest.mark.parametrize(
    "header",
    [
        "没收入库日期",
        "没收违法所得",
        "保险经纪人",
        "执业证号",
        "处罚金额",
        "纳税人名称",
        "证券期货违法",
        "卫生健康委员会",
        "医疗机构名称",
        "医疗器械许可证号",
        "非税收入缴款书号",
        "拖欠农民工工资情形",
        "股权出质登记编号",
        "房地产开发资质",
        "民族事务部门",
        "偷税额",
    ],
)
def test_and_what_only_looks_like_it_is_not(header: str):
    (rule,) = RULES
    assert rule.forbidden(header) is None


def test_what_rests_on_something_unconfirmed_says_so_in_all_of_it():
    for item in ITEMS:
        doubts = [
            *(basis.verified for basis in item.basis),
            *(spec.verified for spec in item.fields),
            *(rule.verified for rule in item.severity),
            item.display.verified,
            item.repair.verified,
        ]
        assert item.verified == all(doubts), item.code
    for body in (*LISTS.values(), *MEASURES.values(), *MATTERS.values()):
        assert body.verified or not all(basis.verified for basis in body.basis) or isinstance(body, CreditList), (
            body.code
        )
    for entry in whole():
        for basis in getattr(entry.body, "basis", ()):
            assert date(1949, 10, 1) <= basis.in_force_from <= TODAY, entry.code
            assert basis.verified or basis.source, entry.code
            assert not basis.verified or basis.article or entry in SHIPPED, entry.code


@pytest.mark.parametrize("code", [item.code for item in ITEMS])
@FEW
@given(data=st.data())
def test_any_row_of_an_item_is_taken_or_held_is_shown_on_its_day_and_ends(code: str, data: st.DataObject):
    item, kind = compiled(code).item, data.draw(st.sampled_from(compiled(code).item.kinds))
    row = data.draw(rows(item, kind))
    read = compiled(item.code).validate(row)
    assert isinstance(read, dict), read
    verdict = gate(item.code).judge(read)
    assert verdict.refusals == []
    assert verdict.subject is not None
    assert verdict.subject.kind == kind
    _is_sealed(item, kind, read)
    _is_shown_and_ends(item, read, verdict)


def _is_sealed(item: Item, kind, row: dict[str, str]) -> None:
    split = compiled(item.code).split(row, kind)
    shown = dict(item.shown_to_all[kind])
    for code in {item.roles.document_number, item.roles.name} & row.keys() if kind == "natural_person" else ():
        assert code not in split.clear
        assert shown.get(code) is None or shown[code].keep_left + shown[code].keep_right < 11
    assert split.clear | split.subject | split.representative == row


def _is_shown_and_ends(item: Item, row: dict[str, str], verdict) -> None:
    begins, until = verdict.period.begins, verdict.period.until
    record = SimpleNamespace(item=item.code, kind=verdict.subject.kind, severity=verdict.severity, display_from=begins,
        display_until=until, false_material=False, fields=row, state="published")  # fmt: skip
    shows = [Law(as_of=day).shows(record) for day in (begins - timedelta(days=1), begins)]
    assert shows == [False, True]
    if until is None:
        assert row[item.roles.valid_until] == OPEN_END.isoformat()
        assert item.nature != "adverse"
    else:
        assert [Law(as_of=day).shows(record) for day in (until - timedelta(days=1), until)] == [True, False]


@pytest.mark.parametrize("code", [item.code for item in ITEMS])
@FEW
@given(data=st.data())
def test_one_field_outside_its_rule_is_named(code: str, data: st.DataObject):
    item = compiled(code).item
    row = data.draw(rows(item, data.draw(st.sampled_from(item.kinds))))
    spec = item.field(data.draw(st.sampled_from(sorted(row))))
    match spec.type:
        case "date":
            wrong = "2026-13-45"
        case "code" | "codes":
            wrong = "没有这个值"
        case "uscc" | "document":
            wrong = "9" * 70
        case _:
            wrong = "长" * ((spec.max_length or 70_000) + 1)
    found = compiled(item.code).validate(row | {spec.code: wrong})
    assert [error.pointer for error in found] == [f"/{spec.code}"]
    if spec.required:
        found = compiled(item.code).validate({code: value for code, value in row.items() if code != spec.code})
        assert f"/{spec.code}" in {error.pointer for error in found}
