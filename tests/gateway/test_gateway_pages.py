"""The door's own pages: health, and the description of the node."""

import re

import pytest
from httpx import Response

from creditmesh.gateway.door import build
from tests.gateway.standing import Standing, bearer, client


async def get(standing: Standing, path: str) -> Response:
    async with client(standing.door(documents={"/asyncapi.json": b'{"asyncapi":"3.0.0"}'})) as outside:
        return await outside.get(path)


async def test_live_and_ready(standing: Standing):
    assert (await get(standing, "/health/live")).json() == {"status": "live"}
    ready = await get(standing, "/health/ready")
    assert (ready.status_code, ready.json()) == (
        200,
        {"ready": True, "legal_date": standing.clock.legal_date().isoformat()},
    )
    standing.ready = False
    try:
        unready = await get(standing, "/health/ready")
    finally:
        standing.ready = True
    assert (unready.status_code, unready.json()["ready"]) == (503, False)
    assert "operator" not in unready.text


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/docs", "/openapi.json", "/asyncapi.json"])
async def test_a_page_needs_no_credential_and_takes_get_and_head_alone(standing: Standing, path: str):
    async with client(standing.door(documents={"/asyncapi.json": b"{}"})) as outside:
        assert (await outside.get(path)).status_code == 200
        headless = await outside.head(path)
        assert (headless.status_code, headless.content) == (200, b"")
        assert (await outside.get(path, headers=bearer("nonsense"))).status_code == 200
        refused = await outside.post(path)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_further_documents_are_served_as_they_are_given(standing: Standing):
    assert (await get(standing, "/asyncapi.json")).json() == {"asyncapi": "3.0.0"}
    async with client(standing.door()) as outside:
        assert (await outside.get("/asyncapi.json")).status_code == 404


async def test_the_page_asks_no_other_host(standing: Standing):
    page = await get(standing, "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.findall(r"(?:https?:)?//[a-z]", page.text)
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert asked
    for path in asked:
        answer = await get(standing, path)
        assert (answer.status_code, answer.headers["content-type"].partition("/")[0]) in {(200, "text"), (200, "image")}
    assert 'url: "/openapi.json"' in (await get(standing, "/docs/start.js")).text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy  # nothing that stands in a page is run
    assert not re.search(r"<script>|onload=|//", page.text.replace("<!doctype html>", ""))


async def test_the_beginning_leads_a_browser_to_the_viewer_and_tells_a_machine_where_all_is(standing: Standing):
    door = standing.door(documents={"/asyncapi.json": b"{}"})
    async with client(door) as outside:
        browser = await outside.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert (browser.status_code, browser.headers["location"]) == (307, "/docs")
        machine = await outside.get("/")
        assert machine.json() == {
            "documentation": "/docs",
            "openapi": "/openapi.json",
            "asyncapi": "/asyncapi.json",
            "health_live": "/health/live",
            "health_ready": "/health/ready",
        }
        for path in machine.json().values():
            assert (await outside.get(path)).status_code == 200


async def test_one_document_describes_every_route_that_is_reachable_from_outside(standing: Standing):
    document = (await get(standing, "/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/v1/toys/{toy}",
        "/v1/toys",
        "/v1/feeds/{feed}",
        "/v1/guesses",
        "/v1/batches",
        "/v1/broken/{count}",
        "/v1/polls",
        "/v1/digests",
        "/v1/waits",
        "/v1/pieces/{count}",
        "/v1/faults",
        "/v1/strangers",
        "/v1/files/{path}",
    }
    assert document["tags"] == [{"name": "toy", "description": "Toys / 玩具"}]
    make = document["paths"]["/v1/toys"]["post"]
    assert make["security"] == [{"credential": ["records:submit"]}]
    assert make["tags"] == ["toy"]
    assert make["x-creditmesh-access"] == {
        "scope": "records:submit",
        "kinds": ["bureau", "department"],
        "internal": False,
    }
    assert document["paths"]["/v1/toys"]["get"]["security"] == [{}, {"credential": []}]
    assert "duck" in document["paths"]["/v1/toys/{toy}"]["get"]["description"]


async def test_every_error_is_described_as_a_problem_in_both_languages(standing: Standing):
    document = (await get(standing, "/openapi.json")).json()
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
            assert "422" not in operation["responses"]
    schemas = document["components"]["schemas"]
    assert {"title", "title_zh", "detail", "detail_zh"} <= set(schemas["ProblemDocument"]["properties"])
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    references = set(re.findall(r"#/components/schemas/([A-Za-z_]+)", str(document)))
    assert references <= set(schemas)


async def test_a_door_without_a_way_to_a_service_is_not_built(standing: Standing):
    whole = standing.arguments()
    with pytest.raises(ValueError, match="no transport for: toy"):
        build(**whole | {"transports": {}})
