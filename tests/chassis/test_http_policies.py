"""A route says whom it is for, or the service does not start; what is for the operator is nowhere else."""

from dataclasses import replace

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from creditmesh.chassis.caller import OPERATOR, Caller
from creditmesh.chassis.errors import Forbidden
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.app import operator_app, routes_of, service_app
from creditmesh.chassis.http.router import ACCESS, Router, access_of
from tests.chassis import toys
from tests.chassis.conftest import Nursery

METHODS = ("get", "post", "delete")


async def _endpoint() -> None:
    """Nothing."""


@pytest.mark.parametrize("method", METHODS)
def test_a_route_without_a_policy_cannot_be_declared(method: str):
    with pytest.raises(TypeError):
        getattr(Router(), method)("/v1/open")
    with pytest.raises(TypeError, match="declares no access policy"):
        Router().api_route("/v1/open")


def test_no_other_way_of_declaring_a_route_avoids_the_policy():
    for method in ("put", "patch", "head", "options", "trace"):
        with pytest.raises(TypeError, match="declares no access policy"):
            getattr(Router(), method)("/v1/open")
    router = Router()
    with pytest.raises(TypeError, match="declares no access policy"):
        router.add_api_route("/v1/open", _endpoint)


def test_a_service_with_a_route_without_a_policy_does_not_start(nursery: Nursery):
    router = APIRouter()
    router.get("/v1/open")(_endpoint)
    equipment = replace(nursery.equipment, service=replace(toys.service, router=router))
    with pytest.raises(TypeError, match="/v1/open declares no access policy"):
        service_app(equipment, nursery.verifier)
    with pytest.raises(TypeError, match="/v1/open declares no access policy"):
        operator_app(equipment, "s")


def test_the_policy_stands_in_the_routes_description():
    routes = routes_of(toys.service, internal=False)
    assert "/v1/toys" in {route.path for route in routes}
    for route in routes:
        assert (route.openapi_extra or {})[ACCESS] == access_of(route).document()


def test_a_route_is_in_one_application_and_not_in_the_other(nursery: Nursery):
    outer = {
        route.path for route in service_app(nursery.equipment, nursery.verifier).routes if type(route) is not APIRoute
    }
    inner = {route.path for route in operator_app(nursery.equipment, "s").routes}
    assert "/internal/toys" in inner
    assert "/internal/toys" not in outer
    assert not outer & inner


async def test_an_operators_route_does_not_exist_for_others_whoever_they_are(nursery: Nursery):
    everything = frozenset({"records:submit", "operator", "internal"})
    for caller in (None, OPERATOR, Caller(kind="operator", scopes=everything, credential="k")):
        async with nursery.client(caller) as client:
            answer = await client.post("/internal/toys", headers={"Authorization": "Bearer the operator of the toys"})
        assert answer.status_code == 404


@pytest.mark.parametrize("given", ["", "wrong", "the operator of the toy", "the operator of the toys "])
async def test_the_operators_secret_is_needed_whole(nursery: Nursery, given: str):
    async with nursery.operator() as client:
        assert (await client.post("/internal/toys")).json() == {"kind": "operator"}
        refused = await client.post("/internal/toys", headers={"Authorization": f"Bearer {given}"})
        missing = await client.post("/internal/toys", headers={"Authorization": given})
        foreign = await client.post("/internal/toys", headers={"Authorization": b"Bearer \xff\xfe"})
    if not given.endswith("toys "):
        assert refused.status_code == 401
    assert missing.status_code == foreign.status_code == 401
    assert "file `operator`" in missing.json()["detail"]


def test_a_policy_names_what_is_missing():
    policy = AccessPolicy.to("department", "office", scope="records:read")
    policy.check(Caller(kind="office", scopes=frozenset({"records:read"}), credential="k"))
    for kind, scopes in (("subject", {"records:read"}), ("office", {"me:read"}), ("public", set())):
        with pytest.raises(Exception, match=r"route is for|lacks the scope"):
            policy.check(Caller(kind=kind, scopes=frozenset(scopes), credential="k"))


def test_each_kind_of_caller_may_need_a_scope_of_its_own():
    access = AccessPolicy.each(subject="cases:file", department="cases:handle")
    assert access.all_scopes == ("cases:file", "cases:handle")
    for kind, scope, other in (("subject", "cases:file", "cases:handle"), ("department", "cases:handle", "cases:file")):
        access.check(Caller(kind=kind, scopes=frozenset({scope}), credential="c"))
        with pytest.raises(Forbidden, match=scope):
            access.check(Caller(kind=kind, scopes=frozenset({other}), credential="c"))
    with pytest.raises(Forbidden, match="for: department, subject"):
        access.check(Caller(kind="office", scopes=frozenset({"cases:handle"}), credential="c"))
    with pytest.raises(TypeError, match="no such kind"):
        AccessPolicy.each(citizen="cases:file")


def test_who_lacks_a_scope_that_only_officers_have_is_told_to_use_an_officers_token():
    key = Caller(kind="department", scopes=frozenset(), credential="k")
    for named, says, says_zh in ((True, "named officer", "具名工作人员"), (False, "node's operator", "运维人员")):
        with pytest.raises(Forbidden) as refused:
            AccessPolicy.to("department", scope="reviews:decide", named=named).check(key)
        assert (says in refused.value.detail, says_zh in refused.value.detail_zh) == (True, True)
