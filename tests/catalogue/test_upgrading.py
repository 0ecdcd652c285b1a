"""The shipped catalogue over a node that has objects of its own: nothing of those is lost, replaced or left unsound."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from creditmesh.catalogue.errors import CatalogueRefused
from creditmesh.catalogue.merging import lost, merged
from creditmesh.schemas.catalogue import CodeSet, FieldSpec, Item, Rule
from creditmesh.schemas.catalogue.base import Basis
from creditmesh.schemas.catalogue.code_set import CodeValue, ForbiddenAttribute
from creditmesh.schemas.catalogue.narrowing import narrows, wider
from tests.catalogue.test_publishing import PENALTY, directory, load, publish, today, withdraw
from tests.support.demands import whole
from tests.support.node import TestNode
from tests.support.shipped import INVENTED, SHIPPED

DUTY = next(entry.body for entry in SHIPPED if entry.code == "duty")
RULE = next(entry.body for entry in SHIPPED if entry.code == "forbidden_attributes")
assert isinstance(DUTY, CodeSet)
assert isinstance(RULE, Rule)
assert isinstance(PENALTY, Item)
OLD_DUTY = DUTY.model_copy(update={"values": DUTY.values[:11], "source": "eleven"})
OLD_RULE = RULE.model_copy(update={"forbids": RULE.forbids[:6], "verified": False})
HOROSCOPE = ForbiddenAttribute(code="horoscope", name="Horoscope", name_zh="生辰八字", words=("生辰",))
CITY = Basis(law="City rules", law_zh="本市规定", in_force_from=date(2020, 1, 1), level="city")


def own_item(code: str = "salary_of_staff", *fields: FieldSpec) -> Item:
    """An item of the city's own, with these fields more than the penalty's."""
    given = {"code": code, "tier": "city", "basis": (CITY,), "designates": None, "fields": (*PENALTY.fields, *fields)}
    return PENALTY.model_copy(update=given)


def confirming(item: Item) -> Item:
    """The item with each basis confirmed."""
    return item.model_copy(update={"basis": tuple(each.model_copy(update={"verified": True}) for each in item.basis)})


def values(of: Rule | CodeSet) -> set[str]:
    return {each.value for each in of.values} if isinstance(of, CodeSet) else {each.code for each in of.forbids}


async def in_force(node: TestNode, kind: str, code: str):
    return next(each for each in directory(node).objects(kind, on=await today(node)) if each.code == code)


async def test_what_a_city_took_from_a_code_set_stays_away_and_what_is_new_in_it_comes(empty: TestNode):
    await publish(empty, OLD_DUTY, "code_set")
    named = {duty for entry in SHIPPED + INVENTED for duty in getattr(entry.body, "duties", ())}
    taken = next(each.value for each in OLD_DUTY.values if each.value not in named)
    mine = OLD_DUTY.model_copy(update={"values": tuple(v for v in OLD_DUTY.values if v.value != taken)})
    await publish(empty, mine, "code_set", issued_by="city")
    outcome = await load(empty)
    assert [row.code for row in outcome.repeated] == ["duty"]
    assert values(await in_force(empty, "code_set", "duty")) == values(DUTY) - {taken}
    assert (await load(empty)).published == ()


async def test_a_code_set_that_a_city_only_renamed_keeps_nothing_that_is_new_away(empty: TestNode):
    await publish(empty, OLD_DUTY, "code_set")
    await publish(empty, OLD_DUTY.model_copy(update={"name": "Our duties"}), "code_set", issued_by="city")
    outcome = await load(empty)
    assert values(await in_force(empty, "code_set", "duty")) == values(DUTY)
    assert [row.code for row in (*outcome.repeated, *outcome.gave_way)] == ["duty"]
    assert (await load(empty, whole=True)).repeated == ()


async def test_a_ban_that_a_city_added_stays_beside_those_that_come(empty: TestNode):
    await publish(empty, OLD_RULE, "rule")
    await publish(
        empty, OLD_RULE.model_copy(update={"forbids": (*OLD_RULE.forbids, HOROSCOPE)}), "rule", issued_by="city"
    )
    outcome = await load(empty)
    assert [row.code for row in outcome.repeated] == ["forbidden_attributes"]
    assert values(await in_force(empty, "rule", "forbidden_attributes")) == values(RULE) | {"horoscope"}
    assert (await load(empty)).published == ()


async def test_the_nations_own_bans_that_are_not_shipped_are_named_where_they_go(empty: TestNode):
    await publish(empty, OLD_RULE.model_copy(update={"forbids": (*OLD_RULE.forbids, HOROSCOPE)}), "rule")
    assert [row.code for row in (await load(empty)).gave_way] == ["forbidden_attributes"]


async def test_what_stands_and_would_be_unsound_beside_what_comes_refuses_all_of_it(empty: TestNode):
    """A node of the nation with a duty of its own in the shipped set."""
    mine = DUTY.values[0].model_copy(update={"value": "falconry", "name": "Falconry", "name_zh": "驯鹰"})
    await publish(empty, DUTY.model_copy(update={"values": (*OLD_DUTY.values, mine)}), "code_set")
    for entry in (e for e in SHIPPED if e.kind in {"code_set", "rule"} and e.code != "duty"):
        await publish(empty, entry.body, entry.kind)
    item = PENALTY.model_copy(update={"code": "falcons", "duties": ("falconry",)})
    await publish(empty, item)
    number = directory(empty).number
    with pytest.raises(CatalogueRefused) as refused:
        await load(empty)
    assert [(each.pointer, each.code) for each in refused.value.errors] == [("/item/falcons/duties", "unknown_duty")]
    assert "falconry" in refused.value.errors[0].detail_zh
    await empty.settled()
    assert directory(empty).number == number


async def test_an_object_of_the_citys_own_is_replaced_where_it_is_named_and_nothing_else_is(stocked: TestNode):
    award = next(entry.body for entry in SHIPPED if entry.code == "taxpayer_rating_a")
    confirmed = confirming(award)
    assert confirmed != award
    await publish(stocked, confirmed, issued_by="city")
    await publish(stocked, PENALTY.model_copy(update={"retention_months": 24}), issued_by="city")
    await publish(stocked, own_item("student_conduct"), issued_by="city")
    for again in (False, True):
        with pytest.raises(CatalogueRefused) as refused:
            await load(stocked, whole=True, again=again)
        assert [(each.pointer, each.code) for each in refused.value.errors] == [("/item/student_conduct", "own_code")]
        assert "--replace" in refused.value.errors[0].detail
        assert "--replace" in refused.value.errors[0].detail_zh
    assert (await in_force(stocked, "item", "student_conduct")).tier == "city"
    told = {"whole": True, "again": True, "replace": ["item/student_conduct"]}
    answer = await stocked.operator().post("/v1/admin/catalogue", json=told)
    assert answer.status_code == 200, answer.text
    await stocked.settled()
    assert {row["code"] for row in answer.json()["repeated"]} == {"taxpayer_rating_a", "administrative_penalty"}
    assert (await in_force(stocked, "item", "student_conduct")).tier == "nation"
    assert (await in_force(stocked, "item", "administrative_penalty")).retention_months == 24
    assert (await in_force(stocked, "item", "taxpayer_rating_a")).basis == confirmed.basis


async def test_what_is_to_be_replaced_and_is_not_shipped_is_named(stocked: TestNode):
    number = directory(stocked).number
    told = {"replace": ["item/administrative_penalty", "item/nowhere", "nothing"]}
    answer = await stocked.operator().post("/v1/admin/catalogue", json=told)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/replace/1", "not_there"),
        ("/replace/2", "not_there"),
    ]
    assert directory(stocked).number == number


async def test_a_code_that_the_city_gave_up_is_free_from_its_last_day_on(stocked: TestNode):
    await publish(stocked, own_item("student_conduct"), issued_by="city")
    day = await today(stocked)
    await withdraw(stocked, "student_conduct", effective=day + timedelta(days=1))
    with pytest.raises(CatalogueRefused):
        await load(stocked, whole=True)
    await stocked.move_clock(1)
    assert ("item", "student_conduct") in {(row.kind, row.code) for row in (await load(stocked, whole=True)).published}
    assert (await in_force(stocked, "item", "student_conduct")).tier == "nation"
    await withdraw(stocked, "student_conduct")
    assert (await load(stocked, whole=True)).published == (), "and what the city withdraws of the nation's stays so"


async def test_what_the_tier_between_made_stays_in_the_place_of_what_is_shipped(stocked: TestNode):
    """It is not the city's to replace or to give another code."""
    basis = CITY.model_copy(update={"level": "province"})
    await publish(
        stocked,
        own_item("student_conduct").model_copy(update={"tier": "province", "basis": (basis,)}),
        issued_by="province",
    )
    outcome = await load(stocked, whole=True)
    assert len(outcome.published) == len(whole()) - len(SHIPPED) - 1
    assert (await in_force(stocked, "item", "student_conduct")).tier == "province"


async def test_a_field_that_a_grown_ban_forbids_is_named_and_no_row_brings_it_any_more(empty: TestNode):
    await publish(empty, OLD_RULE, "rule")
    for entry in (e for e in SHIPPED if e.kind == "code_set"):
        await publish(empty, entry.body, "code_set")
    field = FieldSpec(code="NSR", name="Yearly pay", name_zh="年收入", type="text", max_length=50, required=True)
    await publish(empty, own_item("pay", field), issued_by="city")
    answer = await empty.operator().post("/v1/admin/catalogue", json={})
    assert answer.status_code == 200, answer.text
    await empty.settled()
    assert answer.json()["forbidden"] == ["pay/NSR"]
    read = directory(empty).compiled("pay", 1, on=await today(empty))
    assert {each.code for each in read.names.columns(["年收入"]).errors} >= {"forbidden_attribute"}
    for said in (read.validate({"NSR": "9"}), read.validate_json(b'{"NSR": "9"}')):
        assert ("/NSR", "forbidden_attribute") in {(each.pointer, each.code) for each in said}
    lacking = {each.pointer for each in read.validate({"CF_XDR_MC": "示例贸易有限公司"})}
    assert "/NSR" not in lacking, "and none is refused for its want"
    assert lacking, "what else is required still is"


async def test_a_grown_ban_of_what_tells_records_apart_refuses_all_of_it(empty: TestNode):
    """Every row would be refused, with the field and without it."""
    await publish(empty, OLD_RULE, "rule")
    for entry in (e for e in SHIPPED if e.kind == "code_set"):
        await publish(empty, entry.body, "code_set")
    field = FieldSpec(code="NSR", name="Yearly pay", name_zh="年收入", type="text", max_length=50, required=True)
    key = (PENALTY.roles.decision_number, "NSR")
    await publish(empty, own_item("pay", field).model_copy(update={"natural_key": key}), issued_by="city")
    with pytest.raises(CatalogueRefused) as refused:
        await load(empty)
    assert [(e.pointer, e.code) for e in refused.value.errors] == [("/item/pay/fields/NSR", "forbidden_attribute")]


async def test_a_dry_run_says_what_would_change_and_changes_nothing(stocked: TestNode):
    number = directory(stocked).number
    answer = await stocked.operator().post("/v1/admin/catalogue", json={"whole": True, "dry_run": True})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["dry_run"]
    assert told["published"] == len(whole()) - len(SHIPPED)
    await stocked.settled()
    assert directory(stocked).number == number
    assert (
        told["objects"]
        == (await stocked.operator().post("/v1/admin/catalogue", json={"whole": True})).json()["objects"]
    )


def of_set(code: str, *values: CodeValue, open_to_more: bool = False) -> CodeSet:
    return CodeSet(code=code, name="Set", name_zh="代码集", values=values, open=open_to_more)


def value(code: str, *aliases: str, active: bool = True) -> CodeValue:
    return CodeValue(value=code, name=code, name_zh=code, aliases=aliases, active=active)


def test_what_a_city_left_as_it_was_in_a_code_set_is_as_the_new_version_says():
    was = of_set("some", value("甲", "a1"), value("乙", active=False), value("丙", "c1", "c2"), value("丁"))
    mine = of_set("some", value("甲", "a1"), value("乙", active=False), value("丙", "c2"))
    theirs = of_set(
        "some", value("甲", "a1", "a2"), value("乙"), value("丙", "c1", "c2", "c3"), value("丁"), open_to_more=True
    )
    expected = of_set("some", value("甲", "a1", "a2"), value("乙"), value("丙", "c2", "c3"), open_to_more=True)
    assert merged(mine, theirs, was) == expected
    assert narrows(expected, theirs)


def test_what_a_city_turned_off_in_a_code_set_stays_off():
    was = of_set("some", value("甲"), value("乙"), open_to_more=True)
    mine = of_set("some", value("甲", active=False), value("乙"))
    assert merged(mine, of_set("some", value("甲", "a"), value("乙"), open_to_more=True), was) == of_set(
        "some", value("甲", "a", active=False), value("乙")
    )


def test_a_spelling_that_a_city_added_to_what_no_number_may_be_stays_whatever_becomes_of_its_value():
    was = of_set("number_filler", value("无"), value("空"))
    mine = of_set("number_filler", value("无", "暂无"), value("空", "空缺"), value("待补"))
    both = merged(mine, of_set("number_filler", value("无", "没有"), value("不详")), was)
    assert both == of_set("number_filler", value("无", "没有", "暂无"), value("不详"), value("空缺"), value("待补"))
    assert narrows(both, of_set("number_filler", value("无", "没有"), value("不详")))


def test_a_word_that_a_city_added_to_a_ban_stays_where_the_new_version_has_another_ban_for_it():
    old = ForbiddenAttribute(code="income", name="Income", name_zh="收入", words=("收入",))
    added = old.model_copy(update={"words": ("收入", "月薪")})
    wealth = ForbiddenAttribute(code="wealth", name="Wealth", name_zh="财产收入", words=("收入", "存款"))
    was, mine, theirs = (RULE.model_copy(update={"forbids": (each,)}) for each in (old, added, wealth))
    both = merged(mine, theirs, was)
    assert isinstance(both, Rule)
    assert both.forbidden("月薪") is not None
    assert narrows(both, theirs)
    assert not lost(mine, both)
    assert lost(mine, theirs)


@pytest.mark.parametrize(
    "change",
    [
        lambda old: old,
        lambda old: old.model_copy(update={"forbids": (*old.forbids, HOROSCOPE)}),
        lambda old: old.model_copy(update={"forbids": tuple(f.model_copy(update={"unless": ()}) for f in old.forbids)}),
    ],
    ids=["as it was", "one more", "no exceptions"],
)
def test_a_rule_that_is_merged_forbids_all_that_either_does(change: Callable[[Rule], Rule]):
    mine = change(OLD_RULE)
    both = merged(mine, RULE, OLD_RULE)
    assert isinstance(both, Rule)
    assert list(wider(both, RULE)) == []
    assert narrows(both, RULE) == (mine is not OLD_RULE)
    for each in (*mine.forbids, *RULE.forbids):
        assert all(both.forbidden(word) is not None for word in each.words)
