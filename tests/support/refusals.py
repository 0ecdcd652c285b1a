"""Whatever a route of ours is seen to refuse, in any test, its document must declare."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from creditmesh.chassis.errors import Forbidden, Unauthenticated
from creditmesh.chassis.http import router
from creditmesh.chassis.http.documents.problems import of_every_route
from creditmesh.chassis.http.reached import reached_from
from creditmesh.chassis.http.token import TokenRefused

Refusal = tuple[Callable[..., Any], int, str]
"""The function of a route, and the status and code that it answered."""


@pytest.fixture(autouse=True, scope="module")
def refusals_are_declared() -> Iterator[None]:
    """No route answers a problem that its code does not show (`chassis.http.reached`)."""
    seen: set[Refusal] = set()
    answer_to = router.answer_to

    def noted(error: Exception, request: Any, *, path: str) -> Any:
        answer = answer_to(error, request, path=path)
        seen.add((request.scope["endpoint"], answer.status_code, json.loads(answer.body)["code"]))
        return answer

    router.answer_to = noted
    yield
    router.answer_to = answer_to
    assert not [each for each in seen if is_undeclared(each)]


def is_undeclared(refusal: Refusal) -> bool:
    """Whether a route of ours answered what its document does not have."""
    endpoint, status, code = refusal
    known = reached_from(endpoint).problems | of_every_route() | {Forbidden, Unauthenticated, TokenRefused}
    return endpoint.__module__.startswith("creditmesh.") and (status, code) not in {
        (each.status, each.code) for each in known
    }
