"""One good request for every route of the node: what bad ones are made from, and who may send it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from creditmesh.gateway.routes import Route
from tests.journeys.below import FEED
from tests.support.cast import BY_MATTER, ITEM, MATTER, Cast, asked, authorisation, penalty

Made = Callable[[Cast], Any]
WITHDRAWN = "taxpayer_rating_a"


@dataclass(frozen=True, kw_only=True)
class Example:
    """Who sends what; `{name}` in the path is an id of the cast or one of `path`."""

    by: str | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    body: Made | None = None
    content: bytes | None = None
    """The body where it is no JSON; its type is among the headers."""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: str | None = None
    """The code of the refusal, where the cast has nothing that it could be done to."""


def _correction(cast: Cast) -> dict[str, Any]:
    return {
        "fields": penalty("示市监罚〔2026〕901号", today=cast.today, CF_WFXW="其他"),
        "reason": "error",
        "basis": "示市监更正〔2026〕3号",
    }


def _reinstatement(cast: Cast) -> dict[str, Any]:
    return {"fields": penalty("示市监罚〔2026〕905号", today=cast.today), "basis": "示法行终〔2026〕1号"}


EXAMPLES: dict[str, Example] = {
    "GET /v1/catalogue": Example(),
    "GET /v1/catalogue/items": Example(),
    "GET /v1/catalogue/items/{code}": Example(path={"code": ITEM}),
    "GET /v1/catalogue/items/{code}/versions": Example(path={"code": ITEM}),
    "GET /v1/catalogue/items/{code}/schema": Example(path={"code": ITEM}),
    "GET /v1/catalogue/items/{code}/template.csv": Example(path={"code": ITEM}),
    "GET /v1/catalogue/items/{code}/template.xlsx": Example(path={"code": ITEM}),
    "GET /v1/catalogue/lists": Example(),
    "GET /v1/catalogue/measures": Example(),
    "GET /v1/catalogue/matters": Example(),
    "GET /v1/catalogue/procedures": Example(),
    "GET /v1/catalogue/purposes": Example(),
    "GET /v1/catalogue/parties": Example(),
    "GET /v1/catalogue/code-sets/{name}": Example(path={"name": "penalty_kind"}),
    "POST /v1/catalogue/items/{code}/withdraw": Example(
        by="office", path={"code": WITHDRAWN}, body=lambda _: {"basis": "示信用办〔2026〕1号", "effective": None}
    ),
    "POST /v1/items/{item}/records": Example(
        by="owner", path={"item": ITEM}, body=lambda cast: penalty("示市监罚〔2026〕904号", today=cast.today)
    ),
    "POST /v1/items/{item}/reinstatements": Example(
        by="officer", path={"item": ITEM}, body=_reinstatement, refused="nothing_to_reinstate"
    ),
    "GET /v1/submissions": Example(by="owner", query=f"item={ITEM}"),
    "GET /v1/submissions/{submission}": Example(by="owner"),
    "GET /v1/submissions/{submission}/verdicts": Example(by="owner"),
    "GET /v1/submissions/{submission}/receipt": Example(by="owner"),
    "POST /v1/records/searches": Example(by="owner", body=lambda cast: {"item": ITEM, "until": f"{cast.today}"}),
    "GET /v1/records/{record}": Example(by="owner"),
    "GET /v1/records/{record}/revisions": Example(by="owner"),
    "POST /v1/records/{record}/corrections": Example(by="owner", body=_correction, headers={"If-Match": '"1"'}),
    "POST /v1/records/{record}/withdrawal": Example(
        by="owner", body=lambda _: {"reason": "revoked", "basis": "示市监撤〔2026〕1号"}, headers={"If-Match": '"2"'}
    ),
    "GET /v1/quality": Example(by="owner", query=f"item={ITEM}&since=2026-05-01"),
    "GET /v1/reviews": Example(by="officer"),
    "GET /v1/reviews/{review}": Example(by="officer"),
    "POST /v1/reviews/{review}/decision": Example(
        by="officer", body=lambda _: {"decision": "refuse", "note": "checked against the paper file"}
    ),
    "POST /v1/subjects/confirmations": Example(by="officer", body=lambda _: asked()["subject"]),
    "POST /v1/queries": Example(by="asker", body=lambda _: asked(items=[ITEM], **BY_MATTER)),
    "POST /v1/screenings": Example(
        by="asker", query=f"matter={MATTER}&officer=W-17", body=lambda _: {**asked()["subject"], "name": "样某甲"}
    ),
    "POST /v1/eligibility": Example(by="asker", query=f"matter={MATTER}&officer=W-17", body=lambda _: asked(years=3)),
    "GET /v1/designations": Example(by="asker", query="list=judgment_defaulters"),
    "GET /v1/tasks": Example(by="asker"),
    "GET /v1/tasks/{task}": Example(by="asker"),
    "POST /v1/tasks/{task}/feedback": Example(
        by="asker",
        body=lambda _: {"outcome": "not_executed", "reason": "no procedure under way", "officer": "W-17"},
        headers={"If-Match": '"0"'},
    ),
    "GET /v1/me/file": Example(by="person"),
    "GET /v1/me/accesses": Example(by="person"),
    "GET /v1/me/export": Example(by="person"),
    "GET /v1/me/authorisations": Example(by="person"),
    "POST /v1/me/authorisations": Example(by="person", body=authorisation),
    "POST /v1/authorisations": Example(by="bureau", body=lambda cast: {"token": cast.ids["authorisation token"]}),
    "GET /v1/authorisations/{id}": Example(by="bureau"),
    "DELETE /v1/me/authorisations/{id}": Example(by="person"),
    "POST /v1/cases": Example(
        by="person", body=lambda cast: {"kind": "objection", "record": cast.ids["record"], "statement": "已改正"}
    ),
    "GET /v1/cases": Example(by="officer"),
    "GET /v1/me/cases": Example(by="person"),
    "GET /v1/cases/{case}": Example(by="person"),
    "POST /v1/cases/{case}/actions": Example(
        by="officer", body=lambda _: {"action": "refuse", "reason": "属实"}, headers={"If-Match": '"2"'}
    ),
    "POST /v1/cases/{case}/evidence": Example(
        by="person", query="kind=proof", content=b"%PDF-1.7\nagain\n%%EOF", headers={"Content-Type": "application/pdf"}
    ),
    "GET /v1/cases/{case}/evidence/{digest}": Example(by="person"),
    "GET /v1/cases/{case}/certificate": Example(by="person"),
    "GET /v1/exchange/feeds": Example(by="below"),
    "GET /v1/exchange/feeds/{feed}/entries": Example(by="below", path={"feed": FEED}, query="limit=2"),
    "GET /v1/exchange/feeds/{feed}/checkpoint": Example(by="below", path={"feed": FEED}),
    "GET /v1/exchange/feeds/{feed}/proofs/inclusion": Example(by="below", path={"feed": FEED}, query="index=1&size=3"),
    "GET /v1/exchange/feeds/{feed}/proofs/consistency": Example(by="below", path={"feed": FEED}, query="from=1&to=3"),
    "GET /v1/exchange/feeds/{feed}/origins": Example(by="below", path={"feed": FEED}, query="after=0&until=2"),
    "GET /v1/exchange/copies/{feed}": Example(by="below", path={"feed": "up"}),
    "GET /v1/exchange/copies/{feed}/entries": Example(by="below", path={"feed": "up"}),
    "POST /v1/exchange/feeds/{feed}/acknowledgements": Example(
        by="below", path={"feed": FEED}, body=lambda cast: orjson.loads(cast.ids["acknowledgement"])
    ),
    "GET /v1/public/lists": Example(),
    "GET /v1/public/records": Example(query=f"item={ITEM}"),
    "POST /v1/public/searches": Example(body=lambda _: {"name": "示例市", "limit": 10}),
}


def named(route: Route) -> str:
    """A route as the table above names it."""
    return f"{min(route.methods)} {route.template}"


def path_of(cast: Cast, route: Route, **other: str) -> str:
    """The route's path with the example's values, or others."""
    values = {"id": cast.ids["authorisation"], **cast.ids, **EXAMPLES[named(route)].path, **other}
    return route.template.format_map(values)


async def send(cast: Cast, route: Route, *, by: str | None = "", **more: Any) -> httpx.Response:
    """The example, with what is said otherwise: `by`, `path`, `query`, `content` and `headers`."""
    example = EXAMPLES[named(route)]
    client = cast.door(example.by if by == "" else by)
    path = more.pop("path", path_of(cast, route))
    query = more.pop("query", example.query)
    if "content" not in more and example.body is not None:
        more.setdefault("json", example.body(cast))
    elif example.content is not None:
        more.setdefault("content", example.content)
    others = more.pop("headers", {})
    headers = [*((name, value) for name, value in example.headers.items() if name not in others), *others.items()]
    return await client.request(min(route.methods), path + ("?" + query if query else ""), headers=headers, **more)
