"""Which service serves a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.problems import MethodNotAllowed
from creditmesh.chassis.http.router import Router
from creditmesh.chassis.service import Service
from creditmesh.gateway.routes import Routes
from tests.gateway import toy

ROUTES = Routes([toy.service])


def named(name: str, *paths: str, access: AccessPolicy | None = None) -> Service:
    router = Router()
    for path in paths:

        async def endpoint() -> None:
            """A route."""

        router.get(path, access=access or AccessPolicy.public())(endpoint)
    return Service(name=name, package=name, summary="", summary_zh="", router=router)


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/v1/toys", "/v1/toys"),
        ("POST", "/v1/toys", "/v1/toys"),
        ("GET", "/v1/toys/duck", "/v1/toys/{toy}"),
        ("GET", "/v1/files/a/b/c.txt", "/v1/files/{path}"),
        ("GET", "/v1/files/", "/v1/files/{path}"),
    ],
)
def test_a_path_finds_its_route(method: str, path: str, template: str):
    assert ROUTES.find(method, path).template == template


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v2/toys", "/v1/toys/", "/v1/toys/a/b", "//v1/toys", "/V1/toys"])
def test_another_path_is_unknown(path: str):
    with pytest.raises(NotFound):
        ROUTES.find("GET", path)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_inside_route_does_not_exist(method: str):
    with pytest.raises(NotFound):
        ROUTES.find(method, "/v1/admin/toys")


def test_another_method_is_told_which_there_are():
    with pytest.raises(MethodNotAllowed) as refused:
        ROUTES.find("DELETE", "/v1/toys")
    assert refused.value.headers["Allow"] == "GET, HEAD, POST"


def test_the_route_declared_first_wins_as_inside_the_service():
    assert Routes([named("one", "/v1/a/{x}", "/v1/a/b")]).find("GET", "/v1/a/b").template == "/v1/a/{x}"
    assert Routes([named("one", "/v1/a/b", "/v1/a/{x}")]).find("GET", "/v1/a/b").template == "/v1/a/b"


def test_a_deeper_match_is_found_when_a_named_segment_leads_nowhere():
    routes = Routes([named("one", "/v1/a/b/c", "/v1/{x}/b/d", "/v1/{x}/{y}.csv")])
    assert routes.find("GET", "/v1/a/b/d").template == "/v1/{x}/b/d"
    assert routes.find("GET", "/v1/a/b.csv").template == "/v1/{x}/{y}.csv"
    with pytest.raises(NotFound):
        routes.find("GET", "/v1/a/b.txt")


def test_each_service_is_found_by_its_own_paths():
    routes = Routes([named("one", "/v1/me/a"), named("two", "/v1/me/b")])
    assert [routes.find("GET", f"/v1/me/{name}").service for name in "ab"] == ["one", "two"]


def test_a_scope_that_no_credential_can_have_stops_the_start():
    with pytest.raises(TypeError, match="records:sumbit"):
        Routes([named("one", "/v1/a", access=AccessPolicy.to("department", scope="records:sumbit"))])


SEGMENTS = st.sampled_from(["v1", "toys", "files", "a", "b", "", "x.csv", "admin", "证", "\x00", "{toy}"])
ODD = Routes([named("one", "/v1/a/b", "/v1/{x}/b", "/v1/{x}/{y}.csv", "/v1/{rest:path}", "/v1/a/toys")])


@given(st.sampled_from([ROUTES, ODD]), st.lists(SEGMENTS, max_size=6))
def test_the_tree_finds_what_trying_every_route_in_turn_finds(routes: Routes, segments: list[str]):
    path = "/" + "/".join(segments)
    wanted = [r for r in routes.all if "GET" in r.methods and r.declared.path_regex.match(path)]
    if wanted:
        assert routes.find("GET", path) is wanted[0]
    else:
        with pytest.raises((NotFound, MethodNotAllowed)):
            routes.find("GET", path)
