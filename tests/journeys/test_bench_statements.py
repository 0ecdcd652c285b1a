"""Every statement of the bench names what a node has: what is measured rarely would break unseen."""

import importlib
import pkgutil
import string
from collections.abc import Iterator

import asyncpg

import bench
from tests.support.postgres import Database

VERBS = {"select", "with", "update", "delete", "insert", "truncate", "create", "drop"}
PLACES = {"reader": "query", "name": "probe", "table": "query.record", "word": "record::text", "words": "100"}
"""What stands where a part puts a name of its own."""
BEGINNINGS = {"screening._STANDS"}
"""Texts that stand in statements."""


def statements() -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(bench.__path__):
        if module.name.startswith("__"):
            continue
        for name, value in vars(importlib.import_module(f"bench.{module.name}")).items():
            words = value.split() if name.startswith("_") and isinstance(value, str) else ()
            if words and words[0] in VERBS and f"{module.name}.{name}" not in BEGINNINGS:
                yield f"{module.name}.{name}", value


def filled(text: str) -> str:
    names = {name for _, name, _, _ in string.Formatter().parse(text.replace("{}", "")) if name}
    return text.format(**{name: PLACES[name] for name in names}) if names else text


async def test_a_node_has_what_each_statement_of_the_bench_names(database: Database):
    async with database.session() as session:
        transaction = session.transaction()
        await transaction.start()
        found = dict(statements())
        assert len(found) > 25
        for place, text in found.items():
            sql = filled(text).replace(":stream", "$1")
            try:
                if "$1" in sql or sql.split()[0] in {"select", "with"}:
                    await session.prepare(sql)
                else:
                    await session.execute(sql)
            except asyncpg.PostgresError as error:
                raise AssertionError(f"bench.{place}: {error}") from error
        await transaction.rollback()
