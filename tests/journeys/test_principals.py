"""Every route against every principal: who may not is refused, and learns nothing of what there is."""

from collections import Counter
from typing import Any

import httpx
import pytest

from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from tests.journeys.below import CODE
from tests.journeys.examples import EXAMPLES, named, path_of, send
from tests.support.access import scopes_of
from tests.support.bad_input import is_refusal
from tests.support.cast import BUREAU, EVERYTHING, NOBODYS, OTHER, OWNER, Cast, authorisation, penalty, resident
from tests.support.eventually import eventually

ROUTES = Routes(NODE.services).all
GUARDED = [route for route in ROUTES if scopes_of(route) is not None]
KINDS = {"department": OWNER, "bureau": BUREAU, "office": "credit_office", "node": CODE}


@pytest.fixture(scope="module")
async def strangers(cast: Cast) -> Cast:
    """Callers that hold everything their kind may hold, one that holds nothing of it, and dead credentials."""
    for kind, party in KINDS.items():
        await cast.key(f"any {kind}", kind, party)
    for kind, party in KINDS.items():
        for scope in {scope for scopes in EVERYTHING.values() for scope in scopes}:
            scopes = tuple(sorted(set(EVERYTHING[kind]) - {scope})) or ("me:read",)
            await cast.key(f"{kind} without {scope}", kind, party, scopes=scopes)
    for name in ("revoked", "expired"):
        await cast.key(name, "department", OWNER)
    key = cast.ids["key of revoked"]
    assert (await cast.node.operator().delete(f"/v1/admin/keys/{key}")).status_code == 200
    async with cast.node.database.session() as session:
        await session.execute(
            "update gateway.credential set not_before = now() - interval '2 days', expires = now() - interval '1 day'"
            " where key = $1",
            cast.ids["key of expired"],
        )
    cast.tokens["unknown"] = cast.tokens["owner"][:-60] + "0" * 60
    cast.tokens["altered"] = cast.tokens["owner"][:-1] + ("0" if cast.tokens["owner"][-1] != "0" else "1")
    return cast


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_a_dead_credential_opens_nothing_not_even_what_is_open(strangers: Cast, route: Route):
    for name in ("revoked", "expired", "unknown", "altered"):
        answer = await send(strangers, route, by=name)
        assert is_refusal(answer), name
        assert answer.status_code == 401, name


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_without_a_credential_a_guarded_route_is_closed(strangers: Cast, route: Route):
    answer = await send(strangers, route, by=None)
    assert is_refusal(answer)
    assert answer.status_code == 401


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_another_kind_of_caller_is_refused(strangers: Cast, route: Route):
    for kind in {*KINDS, "subject"} - set(scopes_of(route) or ()):
        answer = await send(strangers, route, by="person" if kind == "subject" else f"any {kind}")
        assert is_refusal(answer), kind
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), kind


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_the_right_kind_without_the_scope_is_refused(strangers: Cast, route: Route):
    for kind, scope in (scopes_of(route) or {}).items():
        if kind not in KINDS:
            continue  # a subject's token is made for one person: its scopes are tried at the door alone
        answer = await send(strangers, route, by=f"{kind} without {scope}")
        assert is_refusal(answer), kind
        assert answer.status_code == 403, kind
        assert str(scope) in answer.json()["detail"]


async def _both(cast: Cast, route: Route, *, by: str, theirs: str) -> tuple[httpx.Response, httpx.Response]:
    """What a stranger is answered of somebody's and of nobody's."""
    (name,) = [part[1:-1] for part in route.template.split("/") if part.startswith("{")]
    anothers = await send(cast, route, by=by, path=path_of(cast, route, **{name: theirs}))
    nobodys = await send(cast, route, by=by, path=path_of(cast, route, **{name: str(NOBODYS)}))
    return anothers, nobodys


def _shown(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    body = answer.json()
    del body["request_id"]
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, body, headers


STRANGERS = {
    "record": "other",
    "submission": "other",
    "review": "other officer",
    "GET /v1/cases/{case}": "other person",
    "POST /v1/cases/{case}/actions": "other officer",
    "GET /v1/cases/{case}/certificate": "other officer",
    "task": "other",
    "GET /v1/authorisations/{id}": "other bureau",
    "DELETE /v1/me/authorisations/{id}": "other person",
}
OWNED = [
    route
    for route in ROUTES
    if any(f"{{{name}}}" in route.template for name in ("record", "submission", "review", "task"))
]
OWNED += [route for route in ROUTES if named(route) in STRANGERS]


@pytest.mark.parametrize("route", OWNED, ids=named)
async def test_what_is_anothers_looks_as_if_there_were_none(strangers: Cast, route: Route):
    (name,) = [part[1:-1] for part in route.template.split("/") if part.startswith("{")]
    by = STRANGERS.get(named(route)) or STRANGERS[name]
    theirs = strangers.ids["authorisation" if name == "id" else name]
    anothers, nobodys = await _both(strangers, route, by=by, theirs=theirs)
    assert is_refusal(anothers)
    assert anothers.status_code == 404
    assert _shown(anothers) == _shown(nobodys)
    assert theirs not in anothers.text


FEEDS = [route for route in ROUTES if "/feeds/{feed}" in route.template]


@pytest.mark.parametrize("route", FEEDS, ids=named)
async def test_a_feed_for_somebody_else_looks_as_if_there_were_none(strangers: Cast, route: Route):
    shown = [
        _shown(await send(strangers, route, path=path_of(strangers, route, feed=feed)))
        for feed in ("down-nobody", "up", "down-city")
    ]
    assert (shown[0][0], shown[0][1]["code"]) == (404, "no_such_feed")
    assert shown == [shown[0]] * 3


async def test_anothers_authorisation_handed_in_looks_like_none(strangers: Cast):
    bodies = [{"token": strangers.ids["authorisation token"]}, {"token": "eyJhbGciOiJFZDI1NTE5In0.e30.AAAA"}]
    answers = [await strangers.door("other bureau").post("/v1/authorisations", json=body) for body in bodies]
    assert _shown(answers[0]) == _shown(answers[1])
    assert answers[0].status_code == 404


async def test_an_authorisation_is_the_bureaus_it_names(strangers: Cast):
    def asking(authorisation: str) -> dict[str, Any]:
        document = {"type": "resident_id", "number": resident(1)}
        subject = {"kind": "natural_person", "document": document}
        return {"subject": subject, "purpose": "credit_assessment", "authorisation": authorisation, "officer": "B-3"}

    shown = []
    for given in (strangers.ids["authorisation"], str(NOBODYS)):
        answer = await strangers.door("other bureau").post("/v1/queries", json=asking(given))
        assert (answer.status_code, answer.json()["code"]) == (403, "no_authorisation")
        shown.append(_shown(answer))
    assert shown[0] == shown[1]


async def test_nobody_sees_what_is_anothers_in_a_list(strangers: Cast):
    own = await strangers.door("officer").get("/v1/reviews")
    others = await strangers.door("other officer").get("/v1/reviews")
    assert strangers.ids["review"] in own.text
    assert others.json()["items"] == []
    mine = await strangers.door("person").get("/v1/me/authorisations")
    theirs = await strangers.door("other person").get("/v1/me/authorisations")
    assert strangers.ids["authorisation"] in mine.text
    assert theirs.json()["items"] == []
    for path in ("/v1/me/file", "/v1/me/export"):
        assert strangers.ids["record"] in (await strangers.door("person").get(path)).text
        assert strangers.ids["record"] not in (await strangers.door("other person").get(path)).text


async def test_a_persons_log_is_not_told_to_another(strangers: Cast):
    await strangers.node.settled()
    mine = await strangers.door("person").get("/v1/me/accesses")
    theirs = await strangers.door("other person").get("/v1/me/accesses")
    ids = {line["access"] for line in mine.json()["items"]}
    assert ids
    assert not ids & {line["access"] for line in theirs.json()["items"]}


async def test_a_credential_for_other_items_submits_and_reads_nothing_of_this_one(strangers: Cast):
    order = {
        "kind": "department",
        "party": OWNER,
        "scopes": EVERYTHING["department"],
        "items": ["administrative_licence"],
    }
    strangers.tokens["limited"] = await strangers._made("limited", "keys", order | {"label": "limited"})
    row = penalty("示市监罚〔2026〕906号", today=strangers.today)
    assert (await strangers.submit(row, by="limited")).status_code == 403
    answer = await strangers.door("limited").get(f"/v1/records/{strangers.ids['record']}")
    assert is_refusal(answer)
    assert answer.status_code == 403


async def test_a_department_does_not_submit_in_anothers_name(strangers: Cast):
    row = penalty("示市监罚〔2026〕907号", today=strangers.today)
    answer = await strangers.submit(row, by="other")
    assert is_refusal(answer)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} <= {"/CF_CFJGDM", "/CF_SJLYDM"}


async def test_every_attempt_on_a_persons_record_is_in_their_log(strangers: Cast):
    async def refused() -> Counter[tuple[str, str]]:
        await strangers.node.settled()
        lines: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = (await strangers.door("person").get("/v1/me/accesses" + cursor)).json()
            lines += page["items"]
            if page["next"] is None:
                return Counter((line["party"], line["reason"]) for line in lines if line["outcome"] == "refused")
            cursor = f"?cursor={page['next']}"

    before = await refused()
    for path in ("", "/revisions"):
        await strangers.door("other").get(f"/v1/records/{strangers.ids['record']}{path}")
    await strangers.door("other bureau").post(
        "/v1/queries",
        json={
            "subject": {"kind": "natural_person", "document": {"type": "resident_id", "number": resident(1)}},
            "purpose": "credit_assessment",
            "officer": "B-3",
        },
    )

    async def complete() -> bool:
        more = await refused() - before
        return more[OTHER, "not_found"] == 2 and more["beta_credit", "no_authorisation"] == 1

    await eventually(complete)


async def test_what_a_person_gives_is_their_own_whatever_they_say(strangers: Cast):
    for extra in ({"subject": strangers.ids["subject of person"]}, {"id": strangers.ids["authorisation"]}, {"uses": 0}):
        answer = await strangers.door("other person").post(
            "/v1/me/authorisations", json=authorisation(strangers) | extra
        )
        assert answer.status_code == 422
        assert [error["code"] for error in answer.json()["errors"]] == ["extra_forbidden"]


async def test_the_table_of_examples_is_sent_by_who_may_so_that_the_refusals_above_mean_something(cast: Cast):
    for route in ROUTES:
        if "GET" in route.methods and named(route) in EXAMPLES:
            assert (await send(cast, route)).status_code == 200, named(route)
