"""A whole city node with an invented province above it, whose keys the test holds."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.keys import Keys
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import feeds
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.exchange import EntryLine, FeedEntry, PageEnd, feed_origin
from creditmesh.schemas.pages import VerifiedPage, verify_page
from creditmesh.schemas.signed import SignedText
from creditmesh.schemas.tlog import Range
from tests.support.cast import uscc
from tests.support.chain import has_compared
from tests.support.eventually import eventually
from tests.support.nobody import nobody
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres


def node_caller(code: str) -> Caller:
    return Caller(kind="node", party=code, scopes=frozenset({"exchange:pull"}), credential=f"node-{code}")


def row_of(code: str, keys: Keys, *, place: str, order: int, **more: Any) -> dict[str, Any]:
    """The party row of a node with these keys."""
    return {
        "code": code,
        "name": f"Node {code}",
        "name_zh": f"节点{code}",
        "kind": "node",
        "uscc": uscc(order, head="12"),
        "place": place,
        "url": nobody(),
        "keys": [
            {
                "id": keys.public(use).id,
                "use": use,
                "alg": keys.algorithm(use),
                "public": b64encode(keys.public(use).raw).decode(),
            }
            for use in ("node", "feed")
        ],
        **more,
    }


@dataclass
class Neighbour:
    """A node that is not there: its code and its keys."""

    code: str
    keys: Keys


@dataclass
class City:
    """The city, and who is above and below it."""

    node: TestNode
    above: Neighbour
    below: Neighbour

    def client(self, code: str) -> httpx.AsyncClient:
        return self.node.client("exchange", node_caller(code))

    async def publish(self, kind: str, body: dict[str, Any], **more: Any) -> None:
        async with self.node.context("catalogue") as ctx:
            await catalogue.publish(ctx, [entry_of(kind, body)], issued_by=more.pop("issued_by", "nation"), **more)
        await self.node.settled()

    async def page(self, feed: str = "up", *, by: str = "province", after: int = 0, limit: int = 1000) -> tuple:
        answer = await self.client(by).get(
            f"/v1/exchange/feeds/{feed}/entries", params={"after": after, "limit": limit}
        )
        assert answer.status_code == 200, answer.text
        *lines, last = answer.content.splitlines()
        return [FeedEntry.model_validate_json(line) for line in lines], PageEnd.model_validate_json(last).checkpoint

    def verified(
        self, entries: list[FeedEntry], note: str, *, feed: str = "up", before: Range | None = None
    ) -> VerifiedPage:
        public = self.node.host.equipment["exchange"].keys
        return verify_page(
            before or Range.empty(),
            entries,
            note,
            origin=feed_origin("city", feed),
            publics=[public.public("node").raw],
            verify=lambda _, data, signature: public.verify(data, signature),
        )


def neighbour(code: str, folder: Path) -> Neighbour:
    Keys.create(folder)
    return Neighbour(code, Keys.load(folder, {"node", "feed"}))


@pytest.fixture(scope="module")
async def city(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    above = neighbour("province", tmp_path_factory.mktemp("province"))
    below = neighbour("district", tmp_path_factory.mktemp("district"))
    async with running(postgres, tmp_path_factory.mktemp("city")) as node:
        made = City(node, above, below)
        await made.publish("party", row_of("province", above.keys, place="above", order=701))
        await made.publish("party", row_of("district", below.keys, place="below", order=702, sends_for=["district"]))
        await eventually(lambda: has_compared(node))
        yield made


NOW = datetime(2026, 11, 27, tzinfo=UTC)


@dataclass
class Signer:
    """The province's side: it has pulled everything and signs what it likes."""

    city: City

    async def make(self, *, first: int | None = None, until: int | None = None, **more: Any) -> SignedText:
        entries, note = await self.city.page()
        page = self.city.verified(entries, note)
        given = {
            "feed": "creditmesh/city/up",
            "by": "province",
            "first": await self.reached() if first is None else first,
            "until": page.after.size if until is None else until,
            "size": page.after.size,
            "root": page.after.root().hex(),
            "at": NOW.isoformat(),
            "key": self.city.above.keys.key_id("node"),
            "alg": "ed25519",
        }
        return self.sign({**given, **more})

    def sign(self, members: dict[str, Any]) -> SignedText:
        text = json.dumps(members, default=str)
        signature = b64encode(self.city.above.keys.sign(text.encode())).decode()
        return SignedText(signed=text, signature=signature)

    async def hand_in(self, given: SignedText, *, by: str = "province") -> httpx.Response:
        answer = await self.city.client(by).post(
            "/v1/exchange/feeds/up/acknowledgements", json=given.model_dump(mode="json")
        )
        await self.city.node.settled()
        return answer

    async def reached(self) -> int:
        async with self.city.node.database.session() as session:
            query = "select upper(applied + refused) from exchange.answer where feed = 'up' and node = 'province'"
            return await session.fetchval(query) or 0

    async def told(self, record: str) -> list[HolderChanged]:
        query = "select data from bus.event where type = 'holder.changed' order by id"
        async with self.city.node.database.session() as session:
            found = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query)]
        return [each for each in found if str(each.record) == record]


@pytest.fixture
async def signed(city: City) -> Signer:
    return Signer(city)


LINE = EntryLine(type="record", at=NOW, commitment="0" * 64, origin="county").model_dump_json()
"""A line of what another node said."""


async def appended(ctx: Context, drafts: Sequence[Draft]) -> int:
    """Where the first of these stands in `up` now."""
    place = (await feeds.head(await ctx.session(), "up")).size
    await append(ctx, "up", drafts)
    return place
