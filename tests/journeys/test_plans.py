"""Plans are made while tables are empty, and kept: the right index must already be used then, as sessions are set."""

import json
from collections.abc import Iterator
from typing import Any

from tests.support.postgres import Database

_INDEXES = """
    select c.oid::regclass::text as relation, i.indexrelid::regclass::text as name,
           array_agg(quote_ident(a.attname) order by k.place) as columns,
           array_agg(format_type(a.atttypid, a.atttypmod) order by k.place) as types,
           pg_get_expr(i.indpred, i.indrelid) as predicate
      from pg_partitioned_table p join pg_class c on c.oid = p.partrelid join pg_index i on i.indrelid = c.oid
     cross join lateral unnest(i.indkey::int[]) with ordinality k(attribute, place)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attribute
     group by c.oid, i.indexrelid, i.indpred, i.indrelid order by 1, 2
"""
NUMBERS = {"integer", "bigint", "smallint"}


async def test_a_probe_planned_on_an_empty_table_never_reads_a_whole_part(database: Database):
    async with database.session() as session:
        indexes = await session.fetch(_INDEXES)
        assert len(indexes) > 20
        reading_a_part = {}
        for index in indexes:
            wanted = [f"{column} = ${place}" for place, column in enumerate(index["columns"], 1)]
            wanted += [] if index["predicate"] is None else [index["predicate"]]
            await session.execute(
                f"prepare probe ({', '.join(index['types'])}) as"
                f" select * from {index['relation']} where {' and '.join(wanted)}"
            )
            values = ", ".join("1" if type_ in NUMBERS else "null" for type_ in index["types"])
            [[plan]] = await session.fetch(f"explain (format json) execute probe ({values})")
            await session.execute("deallocate probe")
            part = f"(part = ${index['columns'].index('part') + 1})" if "part" in index["columns"] else "no condition"
            conditions = [scan.get("Index Cond") for scan in _scans(json.loads(plan)[0]["Plan"])]
            assert conditions, index["name"]
            if not {None, part}.isdisjoint(conditions):
                reading_a_part[index["name"]] = conditions
        assert reading_a_part == {}


def _scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan:
        yield plan
    for inner in plan.get("Plans", ()):
        yield from _scans(inner)
