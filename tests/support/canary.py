"""Canaries: planted people and secrets, and one scan that finds them in any form, wherever bytes are.

`sightings` takes places with their bytes, from whoever gathers them: a log, a dump, the headers of a topic's messages.
It finds a secret as it is, and as UTF-16, GB18030, hexadecimal, base64, URL-encoded or JSON-escaped text, also inside
of what was compressed.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import asyncpg

from creditmesh.chassis.packing import FRAME, Unpackable, unpack
from tests.support.postgres import BY_HAND

Place = tuple[str, bytes]
"""Where, and what was there."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What must be nowhere in clear."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """A secret that was somewhere; printed, it says which and where and never what."""

    place: str
    secret: str
    form: str


def sightings(places: Iterable[Place], secrets: Iterable[Secret]) -> list[Sighting]:
    """Every secret in every place, by each of its forms; once for a place and form."""
    wanted = [
        (needle, folded, (secret.name, form))
        for secret in secrets
        for form, (needle, folded) in forms(secret.text).items()
    ]
    within: dict[bytes, list[tuple[str, str]]] = {}  # most columns of a database say what others say
    found: dict[Sighting, None] = {}
    for place, content in places:
        if content not in within:
            within[content] = list(_within(content, wanted))
        found |= {Sighting(place, *each): None for each in within[content]}
    return list(found)


def _within(content: bytes, wanted: list[tuple[bytes, bool, tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    for layer in _layers(content):
        lowered = layer.lower()
        for needle, folded, what in wanted:
            if needle in (lowered if folded else layer):
                yield what


@cache
def forms(text: str) -> dict[str, tuple[bytes, bool]]:
    """The forms of a text, each with whether letters' case does not matter there."""
    raw = text.encode()
    ways = {
        "text": (raw, False),
        "gb18030": (text.encode("gb18030"), False),
        "utf-16-le": (text.encode("utf-16-le"), False),
        "utf-16-be": (text.encode("utf-16-be"), False),
        "hex": (raw.hex().encode(), True),
        "url": (quote(text, safe="").lower().encode(), True),
        "url, form": (quote_plus(text, safe="").lower().encode(), True),
        "json": (json.dumps(text)[1:-1].lower().encode(), True),
        "python": (repr(raw)[2:-1].encode(), False),
        "reversed": (text[::-1].encode(), False),
    }
    for shift in range(3):
        core = _base64_core(raw, shift)
        ways[f"base64 +{shift}"] = (core, False)
        ways[f"base64url +{shift}"] = (core.replace(b"+", b"-").replace(b"/", b"_"), False)
    return ways


def _base64_core(raw: bytes, shift: int) -> bytes:
    """What stands in base64 text whatever the neighbours are, for a text that begins `shift` bytes into a group."""
    encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
    shared = ((len(raw) + shift) % 3) > 0  # the last character has bits of what follows
    return encoded[(0, 2, 3)[shift] : len(encoded) - shared]


def _layers(content: bytes) -> Iterator[bytes]:
    yield content
    ways = ((b"\x1f\x8b", gzip.decompress), (b"\x78", zlib.decompress), (FRAME, unpack))
    for mark, way in ways:
        if content.startswith(mark):
            try:
                yield way(content)
            except (OSError, EOFError, zlib.error, Unpackable):
                continue


async def dump(session: asyncpg.Connection) -> AsyncIterator[Place]:
    """Every column of every row of every table of the database, and what the server knows of statements."""
    tables = await session.fetch(
        "select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname !~ '^(pg_|information_schema)' and c.relkind in ('r', 'm') order by 1"
    )
    for table in tables:
        for row in await session.fetch(f"select * from {table['name']}"):
            for column, value in row.items():
                yield f"{table['name']}.{column}", as_bytes(value)
    for place in await statements(session):
        yield place
    for row in await session.fetch("select description from pg_description where objoid > 16384"):
        yield "pg_description", as_bytes(row["description"])


async def statements(session: asyncpg.Connection) -> list[Place]:
    """The last statement of every session at the server, but for those in which a test asks by itself.

    These may name whom they look for, and some are kept open for the next that asks.
    """
    rows = await session.fetch("select query from pg_stat_activity where application_name !~ $1", BY_HAND)
    return [("pg_stat_activity.query", as_bytes(row["query"])) for row in rows]


def as_bytes(value: Any) -> bytes:
    """A column's value: bytes as they are, everything else as its text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def secrets_of_keys(folder: Path) -> Iterator[Secret]:
    """The secrets in a node's folder: keys, passwords of roles, the operator's word."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix == ".pub":
            continue
        text = path.read_text(encoding="ascii").strip()
        if path.suffix == ".key":
            secret = str(json.loads(text)["secret"])
            yield Secret(f"key {path.name}", secret)
            yield Secret(f"key {path.name} in hex", base64.urlsafe_b64decode(secret + "==").hex())
        else:
            yield Secret(f"secret {path.name}", text)


def secret_of_credential(name: str, text: str) -> Secret:
    """A credential's secret: its last part; its id may be seen."""
    found = re.fullmatch(r"cm_[a-z0-9]+_[0-9A-Za-z]{12}_([0-9A-Za-z]+)", text)
    assert found is not None, "not a credential"
    return Secret(f"credential of {name}", found[1][:43])
