"""The exchange's statements, planned while its tables are empty, as plans are kept: none reads a feed for an entry."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

from creditmesh.chassis.database.connecting import SETTINGS
from creditmesh.chassis.database.statements import compiled
from creditmesh.exchange import store
from creditmesh.ingestion.store import own_records, submissions
from tests.support.postgres import Database

LARGE = {"feed_entry", "sent_revision", "lost_entry", "received_page"}
PLACES = ("index", "record", "first", "id", "ROW(")
"""What a condition is on that finds few rows of these, however large they are."""
ALL_OF_IT = {"catching_up._HELD", "catching_up._MADE_AGAIN", "lost._COUNT", "lost._PUBLISHED"}
"""In its order as far as is wanted; all that are listed; objects of the catalogue, which have no index."""
OWN = {
    "by day": (own_records._BY_DAY, "revision"),
    "by number": (own_records._BY_NUMBER, "revision"),
    "by subject": (own_records._BY_SUBJECT, "revision"),
    "submissions": (submissions._PAGE, "submission"),
}
"""What a party finds of its own, and the table of it that grows."""
PLACE_OF = {"by day": "party", "by number": "number", "by subject": "subject", "submissions": "party"}
PARTS = {"lost._ASKED", "sealing_keys._EVERY", "waiting._WORDS"}
"""Texts that stand in statements."""


def statements() -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(store.__path__):
        for name, value in vars(importlib.import_module(f"{store.__name__}.{module.name}")).items():
            place = f"{module.name}.{name}"
            verb = value.split()[0] if name.startswith("_") and isinstance(value, str) and value.split() else ""
            if verb in {"select", "with", "update", "delete", "insert"} and place not in PARTS:
                yield place, value


async def test_a_statement_of_a_few_places_or_records_reads_no_whole_feed(database: Database):
    reading_all = set[str]()
    async with database.session() as session:
        for name in ("plan_cache_mode", "enable_seqscan"):
            await session.execute(f"set {name} = '{SETTINGS[name]}'")
        found = dict(statements())
        assert len(found) > 80
        for place, text in found.items():
            sql, names = compiled(text)
            await session.execute(f"prepare probe as {sql}")
            given = f"({', '.join(['null'] * len(names))})" if names else ""
            [[plan]] = await session.fetch(f"explain (format json) execute probe{given}")
            await session.execute("deallocate probe")
            for scan in _scans(json.loads(plan)[0]["Plan"]):
                condition = scan.get("Index Cond") or scan.get("Recheck Cond") or ""
                if scan["Relation Name"] in LARGE and not any(word in condition for word in PLACES):
                    reading_all.add(place)
    assert reading_all == ALL_OF_IT


@pytest.mark.parametrize("search", OWN)
async def test_what_a_party_looks_for_of_its_own_is_found_by_an_index(database: Database, search: str):
    text, table = OWN[search]
    async with database.session() as session:
        for name in ("plan_cache_mode", "enable_seqscan"):
            await session.execute(f"set {name} = '{SETTINGS[name]}'")
        sql, names = compiled(text)
        await session.execute(f"prepare probe as {sql}")
        given = ", ".join("0" if name == "part" else "null" for name in names)  # of none, no part would be read
        [[plan]] = await session.fetch(f"explain (format json) execute probe({given})")
        await session.execute("deallocate probe")
    looked = [
        scan.get("Index Cond") or scan.get("Recheck Cond") or ""
        for scan in _scans(json.loads(plan)[0]["Plan"])
        if scan["Relation Name"].startswith(table)
        and not scan["Alias"].startswith("i_")
        and "chunk" not in scan["Relation Name"]
    ]
    assert looked
    assert all(PLACE_OF[search] in condition for condition in looked), looked


def _scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        yield plan
    for inner in plan.get("Plans", ()):
        yield from _scans(inner)
