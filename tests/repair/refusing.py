"""What every refusal owes its reader: a stable code, and both languages."""

import re
from typing import Any

import httpx

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem, if it is this one and says in both languages what to do."""
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, problem
    for place in (problem, *problem["errors"]):
        assert place["detail"]
        assert _CHINESE.search(place["detail_zh"])
    assert problem["title"]
    assert _CHINESE.search(problem["title_zh"])
    return problem
