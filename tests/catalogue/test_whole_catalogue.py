"""All that is shipped: lawful by our own rules; any row of any item is read, shown to whom it may be, and ends."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditmesh.catalogue import folder
from creditmesh.catalogue.acceptance import Issued, ProposedCatalogue, findings
from creditmesh.schemas.catalogue import CreditList, Item, Matter, Measure
from creditmesh.schemas.rules.calendar import OPEN_END
from creditmesh.schemas.rules.visibility import Law
from tests.catalogue.whole_rows import ITEMS, RULES, SETS, TODAY, compiled, gate, rows
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
        if item.nature == "favourable" and item.kinds == ("natural_person",):
            assert any(spec.code_set == "consent_given" and spec.required for spec in item.fields), item.code
    assert [value.value for value in SETS["consent_given"].values] == ["是"]


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
    "header", ["个人收入", "银行存款", "有价证券", "商业保险", "不动产", "纳税数额", "家庭收入情况", "INCOME"]
)
def test_the_second_group_of_forbidden_attributes_is_refused_too(header: str):
    (rule,) = RULES
    assert rule.forbidden(header) is not None


@pytest.mark.parametrize(
    "header", ["没收入库日期", "没收违法所得", "保险经纪人", "执业证号", "处罚金额", "纳税人名称", "证券期货违法"]
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
