"""The one predicate, in Python and in SQL alike."""

import random
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.database.statements import compiled
from creditmesh.schemas.rules.visibility import visible, visible_sql

DAY = date(2026, 3, 1)
ITEMS = ("licence", "penalty", "listing", "pénalité", "it's")
days = st.integers(-4, 4).map(lambda n: DAY + timedelta(days=n))


@dataclass(frozen=True)
class Row:
    state: str
    item: str
    display_from: date
    display_until: date | None


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
    assert visible(row, as_of=as_of, withdrawn=withdrawn) == by_the_law(row, as_of, withdrawn)


@given(rows, days, withdrawals)
def test_nothing_served_on_a_day_had_ended_by_that_day(row, as_of, withdrawn):
    if visible(row, as_of=as_of, withdrawn=withdrawn):
        assert row.display_until is None or as_of < row.display_until
        assert row.state == "published"


def test_the_last_day_is_shown_and_the_day_of_the_end_is_not():
    row = Row("published", "penalty", DAY, DAY + timedelta(days=1))
    assert visible(row, as_of=DAY, withdrawn=frozenset())
    assert not visible(row, as_of=DAY + timedelta(days=1), withdrawn=frozenset())
    assert not visible(row, as_of=DAY - timedelta(days=1), withdrawn=frozenset())


def test_the_condition_names_its_two_parameters_and_the_alias_on_every_column():
    condition = visible_sql("r")
    assert set(compiled(condition).names) == {"as_of", "withdrawn"}
    assert condition.count("r.") == 5
    assert "." not in visible_sql()


STATEMENT = f"""
    with r as (select * from unnest(cast(:n as int[]), cast(:state as text[]), cast(:item as text[]),
        cast(:display_from as date[]), cast(:display_until as date[])) u(n, state, item, display_from, display_until))
    select n, {visible_sql("r")} as shown from r order by n"""


@pytest.mark.parametrize("seed", range(8))
async def test_postgresql_and_python_agree_on_every_row(postgres, seed: int):
    chance = random.Random(seed)
    database = await postgres.database()
    picked = [
        Row(
            chance.choice(["published", "withdrawn", "repaired", "Published"]),
            chance.choice(ITEMS),
            DAY + timedelta(days=chance.randint(-4, 4)),
            chance.choice([None, DAY + timedelta(days=chance.randint(-4, 4))]),
        )
        for _ in range(500)
    ]
    withdrawn = frozenset(chance.sample(ITEMS, chance.randint(0, 3)))
    columns = {name: [asdict(row)[name] for row in picked] for name in asdict(picked[0])}
    parameters = {"n": list(range(len(picked))), **columns, "as_of": DAY, "withdrawn": sorted(withdrawn)}
    async with database.pool("ddl").session() as session:
        found = await session.fetch(STATEMENT, parameters)
    assert [shown for _, shown in found] == [visible(row, as_of=DAY, withdrawn=withdrawn) for row in picked]
    assert len({shown for _, shown in found}) == 2
