"""The one predicate, in Python and in SQL alike; the law of the day reaches what was stored under another."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.statements import compiled
from creditmesh.schemas.catalogue import DisplayRule, Item, SeverityRule
from creditmesh.schemas.catalogue.item import FalseMaterial
from creditmesh.schemas.rules.calendar import add_months
from creditmesh.schemas.rules.severity import confirmed, severity_of
from creditmesh.schemas.rules.visibility import _UNTIL, Law, publishes_sql, stored_sql, visible_sql
from tests.ingestion.rows import items

UNTIL = _UNTIL.replace("{0}", "r.")
DAY = date(2026, 3, 1)
ITEMS = ("licence", "penalty", "listing", "pénalité", "it's")
KINDS = ("organisation", "natural_person")
PENALTY = items()["administrative_penalty"]
WORDS = ("警告", "罚款", "吊销许可证件", "其他-责令停止使用", "")
FINES = (None, "0.5", "20", "100", "1e3", "无")
days = st.integers(-4, 4).map(lambda n: DAY + timedelta(days=n))


@dataclass(frozen=True)
class Row:
    state: str
    item: str
    display_from: date
    display_until: date | None
    kind: str = "organisation"
    severity: str | None = "general"
    fields: tuple[tuple[str, str], ...] = ()
    false_material: bool = False

    @property
    def data(self) -> bytes:
        said = {"severity": self.severity, "fields": dict(self.fields)}
        return orjson.dumps(said | ({"false_material": True} if self.false_material else {}))


@dataclass(frozen=True)
class Seen:
    """A row as the predicate sees it."""

    row: Row

    def __getattr__(self, name: str) -> object:
        return dict(self.row.fields) if name == "fields" else getattr(self.row, name)


def shows(law: Law, row: Row) -> bool:
    return law.shows(Seen(row))


rows = st.builds(
    Row,
    state=st.sampled_from(["published", "withdrawn", "repaired", "Published"]),
    item=st.sampled_from(ITEMS),
    display_from=days,
    display_until=st.none() | days,
)
withdrawals = st.frozensets(st.sampled_from(ITEMS), max_size=3)


def by_the_law(row: Row, as_of: date, withdrawn: frozenset[str]) -> bool:
    if row.state != "published" or row.item in withdrawn:
        return False
    shown = {row.display_from + timedelta(days=n) for n in range(100)}
    if row.display_until is not None:
        shown = {day for day in shown if day < row.display_until}
    return as_of in shown


@given(rows, days, withdrawals)
def test_a_row_is_visible_exactly_in_its_period_while_published_and_its_item_is_not_withdrawn(row, as_of, withdrawn):
    assert shows(Law(as_of=as_of, withdrawn=withdrawn), row) == by_the_law(row, as_of, withdrawn)


@given(rows, days, withdrawals)
def test_nothing_served_on_a_day_had_ended_by_that_day(row, as_of, withdrawn):
    if shows(Law(as_of=as_of, withdrawn=withdrawn), row):
        assert row.display_until is None or as_of < row.display_until
        assert row.state == "published"


def test_the_last_day_is_shown_and_the_day_of_the_end_is_not():
    row = Row("published", "penalty", DAY, DAY + timedelta(days=1))
    assert shows(Law(as_of=DAY), row)
    assert not shows(Law(as_of=DAY + timedelta(days=1)), row)
    assert not shows(Law(as_of=DAY - timedelta(days=1)), row)


def test_the_condition_names_its_parameters_and_the_alias_on_every_column():
    assert set(compiled(visible_sql("r")).names) == set(Law(as_of=DAY).binds)
    assert set(compiled(stored_sql("r")).names) == {"as_of", "withdrawn"}
    assert "{" not in visible_sql("r") + stored_sql("r") + UNTIL + publishes_sql("r")
    assert UNTIL.count("r.data") == UNTIL.count("convert_from")


months = st.integers(0, 40)
severity_rules = st.builds(
    SeverityRule,
    severity=st.sampled_from(["minor", "general", "serious"]),
    penalty_kinds=st.lists(st.sampled_from(WORDS), max_size=2, unique=True).map(tuple),
    fine_from=st.sampled_from([None, "1", "50.5"]),
    simple_procedure=st.booleans(),
    verified=st.booleans(),
)
displays = st.builds(
    DisplayRule,
    by=st.sampled_from(["by_severity", "until_valid", "months"]),
    months=st.none() | months,
    minor_months=months,
    general_months=months,
    serious_months=months,
    publishes_minor=st.booleans(),
)


false_materials = st.builds(FalseMaterial, display_months=months, verified=st.booleans())


@st.composite
def tables(draw) -> Item:
    """The shipped penalty item under other rules."""
    has = draw(st.booleans())
    return PENALTY.model_copy(
        update={
            "display": draw(displays),
            "repair": PENALTY.repair.model_copy(update={"false_material": draw(st.none() | false_materials)}),
            "severity": tuple(draw(st.lists(severity_rules, max_size=5))),
            "fixed_severity": draw(st.sampled_from([None, None, "serious", "minor"])),
            "nature": draw(st.sampled_from(["adverse", "adverse", "neutral"])),
            "kinds": draw(st.sampled_from([KINDS, KINDS[:1]])),
            "roles": PENALTY.roles if has else PENALTY.roles.model_copy(update={"penalty_kinds": None, "fine": None}),
        }
    )


@st.composite
def records(draw) -> Row:
    """A penalty as it may be stored: some facts said, some sealed or nonsense, under whatever class and end."""
    begins = DAY - timedelta(days=draw(st.integers(0, 1300)))
    dates = st.sampled_from(["2026-03-01", "2026-02-28", "2099-12-31", "2026-02-31", "长期"])
    said = {
        "CF_CFLB": draw(st.none() | st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(";".join)),
        "CF_NR_FK": draw(st.sampled_from(FINES)),
        "CF_AJCX": draw(st.sampled_from([None, "简易程序", "普通程序"])),
        "CF_YXQ": draw(st.none() | dates),
        "CF_GSJZQ": draw(st.none() | st.none() | dates),
    }
    return Row(
        state="published",
        item="administrative_penalty",
        display_from=begins,
        display_until=draw(st.none() | st.integers(0, 1300).map(lambda n: begins + timedelta(days=n))),
        kind=draw(st.sampled_from(KINDS)),
        severity=draw(st.sampled_from([None, "minor", "general", "serious"])),
        fields=tuple((code, value) for code, value in said.items() if value is not None),
        false_material=draw(st.booleans()),
    )


def under(item: Item) -> Law:
    return Law(as_of=DAY, items={item.code: item})


@given(records(), tables())
def test_the_law_of_the_day_never_lengthens_what_was_stored(row, item):
    until = under(item).until(Seen(row))
    assert row.display_until is None or (until is not None and until <= row.display_until)
    if shows(under(item), row):
        assert shows(Law(as_of=DAY), row)


@given(records(), tables())
def test_nothing_is_served_for_longer_than_any_class_of_the_law_of_the_day_allows(row, item):
    if shows(under(item), row):
        display = item.display
        longest = max(display.minor_months, display.general_months, display.serious_months)
        if display.by == "months":
            longest = display.months
        if row.false_material and longest is not None and (follows := item.repair.false_material) is not None:
            longest = max(longest, follows.display_months)
        if item.nature == "adverse" and longest is not None:
            assert add_months(row.display_from, longest) > DAY
        assert row.kind in item.kinds


@given(tables(), st.sampled_from(WORDS), st.sampled_from(FINES[:4]), st.booleans())
def test_what_is_not_verified_makes_nothing_more_serious_and_is_one_table_again(item, word, fine, simple):
    amount = None if fine is None else Decimal(fine)
    order = ["minor", "general", "serious"].index
    item = item.model_copy(update={"nature": "adverse", "fixed_severity": None})
    trusted = item.model_copy(update={"severity": tuple(rule for rule in item.severity if rule.verified)})
    whole, verified = (each.rated(word, amount, simple=simple) for each in (item, trusted))
    assert confirmed(item).rated(word, amount, simple=simple) == min(whole, verified, key=order)


def test_a_milder_table_ends_sooner_what_was_stored_under_a_harsher_one():
    row = Row(
        "published", "administrative_penalty", DAY - timedelta(days=200), DAY + timedelta(days=165),
        fields=(("CF_CFLB", "罚款"), ("CF_NR_FK", "0.5")),
    )  # fmt: skip
    milder = PENALTY.model_copy(update={"severity": (SeverityRule(severity="minor"),)})
    assert severity_of(milder, penalty_kinds=["罚款"], fine=Decimal("0.5")) == "minor"
    assert shows(under(PENALTY), row)
    assert not shows(under(milder), row)
    assert under(milder).severity(Seen(row)) == "minor"
    assert not under(milder).publishes(Seen(row))
    assert shows(under(milder), replace(row, display_from=DAY))


def test_a_record_whose_repair_was_obtained_by_false_material_is_shown_as_long_as_the_law_of_the_day_says():
    begins = DAY - timedelta(days=400)
    row = Row(
        "published", "administrative_penalty", begins, add_months(begins, 36), fields=(("CF_CFLB", "罚款"),),
        false_material=True,
    )  # fmt: skip
    assert under(PENALTY).until(Seen(row)) == add_months(begins, 36)
    assert under(PENALTY).until(Seen(replace(row, false_material=False))) == add_months(begins, 12)
    follows = PENALTY.repair.false_material
    shorter = PENALTY.repair.model_copy(update={"false_material": follows.model_copy(update={"display_months": 14})})
    assert under(PENALTY.model_copy(update={"repair": shorter})).until(Seen(row)) == add_months(begins, 14)
    assert under(confirmed(PENALTY)).until(Seen(row)) == add_months(begins, 12), "what is not verified follows nobody"


def statement(*, changed: bool) -> str:
    return f"""
    with r as (select * from unnest(cast(:n as int[]), cast(:state as text[]), cast(:item as text[]),
        cast(:display_from as date[]), cast(:display_until as date[]), cast(:kind as text[]), cast(:data as bytea[]))
        u(n, state, item, display_from, display_until, kind, data))
    select {visible_sql("r") if changed else stored_sql("r")}, {UNTIL if changed else "r.display_until"},
           {publishes_sql("r")}
      from r order by n"""


@pytest.fixture
async def ddl(postgres) -> AsyncIterator[Session]:
    database = await postgres.database()
    async with database.pool("ddl").session() as session:
        yield session


async def in_sql(
    session: Session, law: Law, picked: list[Row], *, changed: bool = True
) -> list[tuple[bool, date | None, bool]]:
    names = ("state", "item", "display_from", "display_until", "kind", "data")
    columns = {name: [getattr(row, name) for row in picked] for name in names}
    given = {"n": [*range(len(picked))], **columns} | law.binds
    return [tuple(row) for row in await session.fetch(statement(changed=changed), given)]


def in_python(law: Law, row: Row) -> tuple[bool, date | None, bool]:
    return shows(law, row), law.until(Seen(row)), law.publishes(Seen(row))


@pytest.mark.parametrize("seed", range(4))
async def test_postgresql_and_python_agree_on_every_row(ddl, seed: int):
    chance = random.Random(seed)
    picked = [
        Row(
            chance.choice(["published", "withdrawn", "repaired", "Published"]),
            chance.choice(ITEMS),
            DAY + timedelta(days=chance.randint(-4, 4)),
            chance.choice([None, DAY + timedelta(days=chance.randint(-4, 4))]),
        )
        for _ in range(500)
    ]
    law = Law(as_of=DAY, withdrawn=frozenset(chance.sample(ITEMS, chance.randint(0, 3))))
    found = await in_sql(ddl, law, picked)
    assert found == [in_python(law, row) for row in picked]
    assert not law.changed
    assert await in_sql(ddl, law, picked, changed=False) == found, "what nobody changed ends as it was stored"
    assert len({shown for shown, _, _ in found}) == 2


@settings(max_examples=40)
@given(item=tables(), picked=st.lists(records(), min_size=20, max_size=40))
async def test_postgresql_and_python_agree_on_what_the_law_of_the_day_makes_of_every_row(ddl, item, picked):
    law = under(confirmed(item))
    assert await in_sql(ddl, law, picked) == [in_python(law, row) for row in picked]
