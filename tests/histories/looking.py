"""What the nodes of a chain say and hold at one moment, read where anybody, the origin, or an operator reads it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from asyncpg import Connection

from creditmesh.client.certificates import check
from creditmesh.node.declaration import NODE
from creditmesh.schemas.cases import Certificate
from creditmesh.schemas.exchange import base64_text
from creditmesh.schemas.signed import SignedText
from creditmesh.schemas.tlog import Range, leaf_hash
from tests.support.bodies import said
from tests.support.node import TestNode

_REVISIONS = "select record, data from ingestion.revision order by record, rev"
_ANSWERED = """
    select a.node, e.record, max(e.rev) as rev from exchange.feed_entry e
      join exchange.answer a on a.feed = e.feed and a.applied @> e.index
     where e.feed = 'up' and e.record is not null group by 1, 2
"""
_REFUSED = """
    select s.record, s.rev from exchange.refused_entry r
      join exchange.sent_revision s on s.peer = r.peer and s.index = r.index
     where r.feed = 'up'
"""
_OWN_HEADS = """
    select c.feed, c.size, c.root from exchange.feed_checkpoint c join exchange.feed_head h using (feed, size)
"""
_COPIED_HEADS = """
    select c.peer, c.feed, c.size, c.root from exchange.copy_checkpoint c
      join exchange.copy_head h using (peer, feed, size)
"""
_COPIED_SIZE = "select size from exchange.copy_head where peer = $1 and feed = 'up'"
_SHARED = "select record, rev from exchange.feed_entry where feed = 'up' and record is not null and index < $1"
_LINES = "select line from exchange.feed_entry where feed = $1 order by index"
_SIZES = """
    select 'own ' || feed as feed, size::text as at from exchange.feed_head
    union all select 'copy ' || peer || '/' || feed, size || ' ' || coalesce(announced, 0) from exchange.copy_head
    union all select 'answer ' || feed || ' ' || node, applied::text || refused::text from exchange.answer
    union all select 'unsent ' || peer, count(*)::text from exchange.acknowledgement_made
               where sent_at is null group by 1
    order by 1
"""
_REACH = "select greatest(upper(applied), upper(refused)) from exchange.answer where feed = 'up' and node = $1"
_COPIES = "select peer, size, announced, held_from from exchange.copy_head where feed = 'up'"
_FAULTS = (
    "select peer || '/' || feed || ': ' || alarm as fault from exchange.copy_head where alarm is not null"
    + "".join(
        f" union all select '{reader} cannot read ' || type || ': ' || coalesce(error, '') from {reader}.dead_letter"
        for reader in (service.name for service in NODE.services if service.handles)
    )
    + " union all select 'not made again: ' || feed || '/' || index || ' ' || coalesce(change, kind) || ': ' || why"
    "     from exchange.lost_entry where why <> 'copy'"
)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the nodes above have acknowledged as applied of one node's records: the newest revision each."""

    of: Mapping[str, Mapping[UUID, int]]

    def by(self, node: str, record: UUID) -> int | None:
        return self.of.get(node, {}).get(record)


async def answered(session: Connection) -> Answered:
    found: dict[str, dict[UUID, int]] = defaultdict(dict)
    for row in await session.fetch(_ANSWERED):
        found[row["node"]][UUID(bytes=row["record"].bytes)] = row["rev"]
    return Answered(of=found)


async def refused(session: Connection) -> set[tuple[UUID, int]]:
    """The revisions that a node has refused of those that came to it, and has not taken since."""
    return {(UUID(bytes=row["record"].bytes), row["rev"]) for row in await session.fetch(_REFUSED)}


async def revisions(session: Connection) -> dict[UUID, list[dict[str, Any]]]:
    """Every revision that a node holds, by record."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await session.fetch(_REVISIONS):
        found[UUID(bytes=row["record"].bytes)].append(said(row["data"]))
    return found


async def shown(node: TestNode, item: str) -> dict[UUID, str | None] | None:
    """The records that a node shows to anybody, with their marks; each once. None while it says that it catches up."""
    found: dict[UUID, str | None] = {}
    cursor: dict[str, str] = {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(node.host.public_app), base_url="http://node") as door:
        while True:
            answer = await door.get("/v1/public/records", params={"item": item, "limit": 200} | cursor)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return {}
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and answer.json()["code"] == "catching_up":
                return None
            page = answer.raise_for_status().json()
            for each in page["items"]:
                assert UUID(each["record"]) not in found, "it is shown twice"
                found[UUID(each["record"])] = each["mark"]
            if page.get("next") is None:
                return found
            cursor = {"cursor": page["next"]}


async def file_of(door: httpx.AsyncClient) -> set[UUID]:
    """The records that a person finds about themselves."""
    answer = (await door.get("/v1/me/file")).raise_for_status().json()
    return {UUID(each["record"]) for each in answer["records"]}


async def certificate(node: TestNode, door: httpx.AsyncClient, case: str) -> Certificate | None:
    """The certificate of a case, verified as whoever is given it verifies it; None where there is none yet."""
    answer = await door.get(f"/v1/cases/{case}/certificate")
    if answer.status_code == httpx.codes.NOT_FOUND:
        assert answer.json()["code"] == "no_certificate", answer.text
        return None
    keys = node.host.equipment["repair"].keys
    trusted = [base64_text(half.raw) for half in keys.public_halves("node")]
    return check(SignedText.model_validate(answer.raise_for_status().json()), trusted=trusted)


async def sizes(session: Connection) -> list[tuple[str, str]]:
    """Whatever moves while something is under way between nodes."""
    return [tuple(row) for row in await session.fetch(_SIZES)]


async def behind(session: Connection, code: str, below: Mapping[str, Connection]) -> bool:
    """Whether a node has lost what it had answered for, and has not caught up yet."""
    copies = {row["peer"]: row for row in await session.fetch(_COPIES)}
    for peer, of_peer in below.items():
        until = await of_peer.fetchval(_REACH, code) or 0
        copy = copies.get(peer)
        if until > (0 if copy is None else copy["size"]) or (copy is not None and copy["held_from"] is not None):
            return True
    return False


async def copied_size(session: Connection, peer: str) -> int:
    """How many entries of the peer's records a node has verified."""
    return await session.fetchval(_COPIED_SIZE, peer) or 0


async def shared(session: Connection, *, until: int) -> set[tuple[UUID, int]]:
    """The revisions that the first so many entries upwards tell of."""
    return {(UUID(bytes=row["record"].bytes), row["rev"]) for row in await session.fetch(_SHARED, until)}


async def faults(session: Connection) -> list[str]:
    """Dead letters, and feeds that were stopped."""
    return [row["fault"] for row in await session.fetch(_FAULTS)]


async def heads(session: Connection) -> dict[str, tuple[int, bytes]]:
    """The newest heads of a node's own feeds, each that of the lines that stand there."""
    found = {}
    for row in await session.fetch(_OWN_HEADS):
        lines = await session.fetch(_LINES, row["feed"])
        whole, _ = Range.empty().extended(leaf_hash(each["line"].encode()) for each in lines)
        assert (whole.size, whole.root()) == (row["size"], row["root"]), "its lines are not what was signed"
        found[row["feed"]] = row["size"], row["root"]
    return found


async def copied_heads(session: Connection) -> dict[tuple[str, str], tuple[int, bytes]]:
    """The newest verified heads of a node's copies, by peer and feed."""
    rows = await session.fetch(_COPIED_HEADS)
    return {(row["peer"], row["feed"]): (row["size"], row["root"]) for row in rows}
