"""Making, listing and taking back credentials."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from creditmesh.gateway import operations
from creditmesh.gateway.errors import TooManyKeys
from creditmesh.gateway.models import PartyKey
from tests.gateway.standing import Standing, bearer, client

SECRET = bearer("operator-secret")
ORDER = {"kind": "department", "party": "dept.one", "scopes": ["records:submit"]}


def admin(standing: Standing) -> httpx.AsyncClient:
    return client(standing.admin_app())


async def test_a_key_is_shown_once_and_kept_as_a_hash(standing: Standing):
    async with admin(standing) as inside:
        made = await inside.post("/v1/admin/keys", headers=SECRET, json=ORDER | {"label": "shown"})
        listed = await inside.get("/v1/admin/keys", headers=SECRET)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    text = made.json()["credential"]
    assert text.startswith(f"cm_city_{made.json()['key']}_")
    assert text not in listed.text
    async with standing.database.session() as session:
        row = await session.fetchrow("select * from gateway.credential where key = $1", made.json()["key"])
    assert len(row["hash"]) == 32
    assert row["hash_algorithm"] == "hmac-sha256"
    secret = text.rsplit("_", 1)[1]
    assert not [
        name
        for name, value in row.items()
        if secret[:8] in str(value) or secret[:43].encode() in bytes(str(value), "utf-8")
    ]
    assert row["created_by"] == "operator"


async def test_admin_routes_need_the_operators_secret(standing: Standing):
    async with admin(standing) as inside:
        for headers in ({}, bearer("x"), bearer(await standing.key())):
            assert (await inside.get("/v1/admin/keys", headers=headers)).status_code == 401
            assert (await inside.post("/v1/admin/keys", headers=headers, json=ORDER)).status_code == 401


async def test_admin_routes_do_not_exist_outside(standing: Standing):
    async with client(standing.door()) as outside:
        assert (await outside.get("/v1/admin/keys")).status_code == 404
        assert (await outside.get("/v1/admin/keys", headers=bearer(await standing.key()))).status_code == 404


async def test_two_keys_of_a_holder_live_at_once_and_a_third_waits(standing: Standing):
    first = await standing.key(party="dept.two", label="import")
    second = await standing.key(party="dept.two", label="import")
    with pytest.raises(TooManyKeys, match=first.key):
        await standing.key(party="dept.two", label="import")
    await standing.key(party="dept.two", label="screening")
    async with client(standing.door()) as outside:
        for key in (first, second):
            assert (await outside.get("/v1/toys/x", headers=bearer(key))).status_code == 200
    async with standing.context() as context:
        await operations.revoke(context, first.key)
    assert (await standing.key(party="dept.two", label="import")).key not in {first.key, second.key}


async def test_two_orders_at_the_same_moment_do_not_make_three_keys(standing: Standing):
    order = PartyKey(kind="department", party="dept.race", scopes=("records:read",))
    made = await asyncio.gather(*(standing.key(order) for _ in range(4)), return_exceptions=True)
    assert sorted(isinstance(one, TooManyKeys) for one in made) == [False, False, True, True]


async def test_revoking_again_keeps_the_first_mark(standing: Standing):
    key = await standing.key()
    async with admin(standing) as inside:
        once = await inside.delete(f"/v1/admin/keys/{key.key}", headers=SECRET)
        again = await inside.delete(f"/v1/admin/keys/{key.key}", headers=SECRET)
        unknown = await inside.delete("/v1/admin/keys/" + "0" * 12, headers=SECRET)
    assert once.json()["revoked"] == again.json()["revoked"] is not None
    assert once.json()["revoked_by"] == "operator"
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_a_list_is_read_page_by_page_and_holds_everything_once(standing: Standing):
    made = {(await standing.key(party="dept.many")).key for _ in range(7)}
    found: list[str] = []
    cursor: str | None = None
    async with admin(standing) as inside:
        while True:
            query = {"party": "dept.many", "limit": "3"} | ({} if cursor is None else {"cursor": cursor})
            page = (await inside.get("/v1/admin/keys", headers=SECRET, params=query)).json()
            found += [line["key"] for line in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        others = await inside.get("/v1/admin/keys", headers=SECRET, params={"party": "dept.many", "kind": "office"})
    assert len(found) == 7
    assert set(found) == made
    assert others.json() == {"items": [], "next": None, "partial": False, "unreadable": []}


async def test_people_are_given_tokens_without_a_number(standing: Standing):
    subject = str(uuid4())
    async with admin(standing) as inside:
        person = await inside.post(
            "/v1/admin/people", headers=SECRET, json={"kind": "subject", "subject": subject, "scopes": ["me:read"]}
        )
        officer = await inside.post(
            "/v1/admin/people",
            headers=SECRET,
            json={"kind": "department", "party": "dept.one", "officer": "Reviewer 17", "scopes": ["reviews:decide"]},
        )
    assert (person.status_code, person.json()["subject"]) == (201, subject)
    assert (officer.status_code, officer.json()["officer"]) == (201, "Reviewer 17")


PERSON = {"kind": "office", "party": "office.one", "officer": "Reviewer", "scopes": ["reviews:decide"]}


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("keys", ORDER | {"scopes": []}),
        ("keys", ORDER | {"scopes": ["records:sumbit"]}),
        ("keys", ORDER | {"party": "No Such"}),
        ("keys", ORDER | {"kind": "subject"}),
        ("keys", ORDER | {"kind": "public"}),
        ("keys", {"kind": "department", "scopes": ["records:read"]}),
        ("keys", ORDER | {"label": "Upper"}),
        ("keys", ORDER | {"items": []}),
        ("keys", ORDER | {"subject": str(uuid4())}),
        ("keys", ORDER | {"expires": "2020-01-01T00:00:00Z"}),
        ("keys", ORDER | {"expires": "9999-01-01T00:00:00Z"}),
        ("keys", ORDER | {"expires": "2026-01-01T00:00:00"}),
        ("keys", ORDER | {"not_before": "9998-01-01T00:00:00Z"}),
        ("keys", []),
        ("people", PERSON | {"officer": "990000199001011234"}),
        ("people", PERSON | {"officer": "a９９００００"}),
        ("people", PERSON | {"officer": ""}),
        ("people", PERSON | {"officer": "a\u0001"}),
        ("people", {"kind": "subject", "subject": "x", "scopes": ["me:read"]}),
        ("people", {"kind": "bureau", "party": "bureau.one", "officer": "X", "scopes": ["queries:ask"]}),
    ],
)
async def test_an_order_that_breaks_a_rule_is_refused_with_the_field(standing: Standing, path: str, order: Any):
    async with admin(standing) as inside:
        refused = await inside.post(f"/v1/admin/{path}", headers=SECRET, json=order)
    assert refused.status_code == 422
    assert refused.json()["errors"]


@pytest.mark.parametrize(
    ("changed", "pointer", "says"),
    [
        ({"scopes": ["reviews:decid"]}, "/scopes/0", "reviews:decide"),
        ({"kind": "nobody"}, "/kind", "department"),
        ({"party": "119900000000100495"}, "/party", "market_regulation"),
    ],
)
async def test_one_wrong_word_is_one_finding_that_says_what_is_right(
    standing: Standing, changed: Any, pointer: str, says: str
):
    order = {"kind": "department", "party": "market.one", "scopes": ["records:read"]} | changed
    async with admin(standing) as inside:
        refused = await inside.post("/v1/admin/keys", headers=SECRET, json=order)
    (error,) = refused.json()["errors"]
    assert error["pointer"] == pointer
    assert [says in error[text] for text in ("detail", "detail_zh")] == [True, True]


async def test_a_key_lives_a_year_at_most(standing: Standing):
    key = await standing.key()
    assert timedelta(days=365) < key.expires - datetime.now(UTC) <= timedelta(days=366)


async def test_the_gateways_role_changes_nothing_but_a_revocation(standing: Standing):
    key = await standing.key()
    async with standing.database.session("gateway") as session:
        for statement in (
            "update gateway.credential set scopes = '{}'",
            "update gateway.credential set expires = now()",
            "update gateway.credential set hash = ''",
            "delete from gateway.credential",
            "update gateway.security_log set reason = ''",
            "delete from gateway.security_log",
            "truncate gateway.security_log",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(statement)
        assert await session.execute("update gateway.credential set revoked = now() where key = $1", key.key)
