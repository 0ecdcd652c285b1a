"""The chain of the journeys: a cast at each of its nodes, and what several journeys do there and look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from creditmesh.catalogue import operations
from creditmesh.catalogue.objects import entry_of
from creditmesh.schemas.catalogue import Tier
from tests.support.bodies import said
from tests.support.cast import BUREAU, BY_MATTER, ITEM, MATTER, Cast, penalty, uscc
from tests.support.chain import Chain
from tests.support.node import TestNode
from tests.support.shipped import SHIPPED

UPWARDS = ("city", "province", "nation")
"""The way of the city's records."""
OTHERS = ("cityb", "provinceb")
EVERYWHERE = UPWARDS + OTHERS
SHIPPED: Mapping[tuple[str, str], dict[str, Any]] = {
    (entry.kind, entry.code): entry.body.model_dump(mode="json") for entry in SHIPPED
}
PDF = {"Content-Type": "application/pdf"}


@dataclass
class Mesh:
    """The running chain, and who plays at each node, by the node's code."""

    chain: Chain
    casts: Mapping[str, Cast]

    def __getitem__(self, code: str) -> Cast:
        return self.casts[code]

    @property
    def city(self) -> Cast:
        return self.casts["city"]

    async def settled(self) -> None:
        await self.chain.settled()

    async def publish(self, code: str, kind: str, body: dict[str, Any]) -> None:
        """Publish at a node what its keeper would, and let everybody below take it over."""
        node = self.chain[code]
        async with node.context("catalogue") as ctx:
            entries = [entry_of(kind, body)]  # type: ignore[arg-type]
            await operations.publish(ctx, entries, issued_by=node.host.settings.tier)
        await self.settled()

    async def withdraw(self, code: str, item: str) -> None:
        """The credit office of a node takes an item out of its catalogue, from today on."""
        said = {"basis": "所依据的规定已废止", "effective": None}
        done(await self[code].door("office").post(f"/v1/catalogue/items/{item}/withdraw", json=said))
        await self.settled()

    async def person(self, name: str, number: str, *, at: tuple[str, ...] = UPWARDS, **more: str) -> None:
        """Somebody's own side, at each of these nodes."""
        for code in at:
            await self[code].person(name, number, **more)

    async def revisions(self, record: str) -> dict[str, list[dict[str, Any]]]:
        """The revisions of a record that each node holds, as its database has them."""
        found = {}
        for code in self.chain.nodes:
            async with self.chain[code].database.session() as session:
                rows = await session.fetch(_REVISIONS, UUID(record))
            found[code] = [said(row["data"]) for row in rows]
        return found

    async def move_clock(self, days: int) -> None:
        """The same legal date at all nodes."""
        for code in self.chain.nodes:
            await self.chain[code].move_clock(days)


_REVISIONS = "select data from ingestion.revision where record = $1 order by rev"


async def assembled(chain: Chain) -> Mesh:
    """The same callers at every node, each of the node's own parties."""
    return Mesh(chain, {code: await _cast(node) for code, node in chain.nodes.items()})


async def _cast(node: TestNode) -> Cast:
    cast = Cast(node)
    tier: Tier = node.host.settings.tier
    prefix = "" if tier == "city" else f"{tier}_"
    owner = f"{prefix}market_regulation"
    for name, party in (("owner", owner), ("court", f"{prefix}court"), ("asker", f"{prefix}finance")):
        await cast.key(name, "department", party)
    await cast.officer("officer", "department", owner, "Officer Qin")
    await cast.officer("office", "office", "credit_office", "Reviewer Lan")
    if tier == "city":
        await cast.key("bureau", "bureau", BUREAU)
    return cast


def done(answer: httpx.Response) -> Any:
    """The body of an answer that is no refusal."""
    assert answer.status_code < 300, (answer.request.url.path, answer.status_code, answer.text)
    return answer.json() if answer.content else None


async def accepted(cast: Cast, row: dict[str, str], **more: str) -> str:
    """The record of a row that is accepted."""
    answer = await cast.submit(row, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["record"])


def an_item(code: str, tier: Tier, **changes: Any) -> dict[str, Any]:
    """An item of a tier's own, on a basis of its level, with the fields of penalties."""
    basis = {"law": "Invented rules", "law_zh": "示例规定", "in_force_from": "2020-01-01", "level": tier}
    body = SHIPPED["item", ITEM] | {"code": code, "tier": tier, "number": 1, "basis": [basis]}
    return body | {"name": code, "name_zh": "示例事项"} | changes


async def with_a_listing_penalty(mesh: Mesh, code: str) -> None:
    """The nation publishes a penalty that puts on a list and can be repaired, and the matter that may look at it."""
    await mesh.publish("nation", "item", an_item(code, "nation", designates="judgment_defaulters"))
    matter = SHIPPED["matter", MATTER]
    await mesh.publish("nation", "matter", matter | {"items": [*matter["items"], code]})


def enterprise(cast: Cast, decision: str, order: int, **more: str | None) -> dict[str, str]:
    """A penalty on an organisation, decided long enough ago to be repaired."""
    about: dict[str, str | None] = {
        "CF_XDR_MC": f"示例{order}号有限公司", "CF_XDR_LB": "法人及非法人组织", "CF_XDR_SHXYM": uscc(order),
        "CF_XDR_ZJLX": None, "CF_XDR_ZJHM": None, "CF_FRDB": "样某丁",
        "CF_JDRQ": (cast.today - timedelta(days=130)).isoformat(),
    }  # fmt: skip
    return penalty(decision, today=cast.today, **(about | more))


def organisation(order: int) -> dict[str, Any]:
    """The organisation of that order as one asks about it."""
    return {"kind": "organisation", "document": {"type": "uscc", "number": uscc(order)}}


SHOWN = dict.fromkeys(("query", "public", "screening", "eligibility", "own", "tasks"), True)
"""What `looks` finds of a record of an item that designates a list, while it is visible."""
GONE = dict.fromkeys(SHOWN, False)


async def looks(cast: Cast, order: int, record: str) -> dict[str, bool]:
    """Whether each way of looking at an organisation at a node shows the record; `subject` is its own side there."""
    asker, subject = cast.door("asker"), organisation(order)
    ask = {"matter": MATTER, "officer": "W-17"}
    queried = done(await asker.post("/v1/queries", json={"subject": subject, **BY_MATTER}))
    screened = done(await asker.post("/v1/screenings", params=ask, json=subject))
    eligible = done(await asker.post("/v1/eligibility", params=ask, json={"subject": subject, "years": 3}))
    searched = done(await cast.door().post("/v1/public/searches", json={"code": uscc(order)}))
    return {
        "query": record in _records(queried, "released"),
        "public": record in _records(searched, "items"),
        "screening": record in _records(screened, "designations"),
        "eligibility": record in _records(eligible, "evidence"),
        "own": record in _records(done(await cast.door("subject").get("/v1/me/file")), "records"),
        "tasks": bool(await tasks_of(cast, "asker", record)),
    }


def _records(answer: Any, where: str) -> set[str]:
    return {each["record"] for each in answer[where]}


async def tasks_of(
    cast: Cast, name: str, record: str, *, states: tuple[str, ...] = ("open", "answered")
) -> list[dict[str, Any]]:
    """The tasks in a party's inbox whose ground is this record."""
    found: list[dict[str, Any]] = []
    for state in states:
        params: dict[str, Any] = {"state": state, "limit": 100}
        found += done(await cast.door(name).get("/v1/tasks", params=params))["items"]
    return [each for each in found if each["record"] == record]


async def filed(cast: Cast, kind: str, record: str, *, statement: str = "已改正", content: str = "") -> str:
    """A case of the subject about a record, with the documents that a repair needs, accepted by its body."""
    subject = cast.door("subject")
    case = done(await subject.post("/v1/cases", json={"kind": kind, "record": record, "statement": statement}))
    place = f"/v1/cases/{case['case']}"
    for document in ("proof", "commitment") if kind == "repair" else ():
        pdf = f"%PDF-1.7\n{document} {content}\n%%EOF".encode()
        done(await subject.post(f"{place}/evidence", params={"kind": document}, content=pdf, headers=PDF))
    await act(cast, case["case"], action="accept")
    return str(case["case"])


async def act(cast: Cast, case: str, *, by: str = "officer", **said: str) -> Any:
    """A step of a case as it stands."""
    place, door = f"/v1/cases/{case}", cast.door(by)
    standing = await door.get(place)
    done(standing)
    return done(await door.post(f"{place}/actions", json=said, headers={"If-Match": standing.headers["etag"]}))
