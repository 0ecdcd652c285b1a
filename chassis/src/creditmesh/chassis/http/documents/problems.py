"""The problems that a route may answer, by status: their codes, and their titles in both languages."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from creditmesh.chassis.errors import Invalid, Malformed, Problem, TooLarge, Unavailable, UnsupportedMedia
from creditmesh.chassis.http import problems
from creditmesh.chassis.http.documents.headers import RETRY_AFTER, Headers, referred
from creditmesh.chassis.shares import Busy
from creditmesh.schemas.problems import PROBLEM_JSON

CODES = "x-creditmesh-problems"
"""The codes of a response, each with its titles."""
_CONTENT = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
_WHAT = "What is wrong, where, and what to do / 问题、位置与处理办法"
_WAITS = 503


def of_every_route() -> frozenset[type[Problem]]:
    """What any route may answer: a parameter it does not have, a body it does not read, a node in trouble."""
    return frozenset({Malformed, Invalid, TooLarge, UnsupportedMedia, Unavailable, Busy, problems.InternalError})


def responses(refused: Iterable[type[Problem]], given: Headers) -> dict[str, Any]:
    """A response for each status, with its codes."""
    ordered = sorted(refused, key=lambda each: (each.status, each.code))
    return {
        str(status): _response(_said(found), {**given, **(RETRY_AFTER if status == _WAITS else {})})
        for status, found in ((status, list(some)) for status, some in groupby(ordered, lambda each: each.status))
    }


def anywhere(common: Iterable[type[Problem]], given: Headers) -> dict[str, Any]:
    """The response that stands for what may be answered to any call."""
    ordered = sorted(common, key=lambda each: (each.status, each.code))
    return _response(_said(ordered), {**given, **RETRY_AFTER})


def _said(found: Iterable[type[Problem]]) -> dict[str, dict[str, Any]]:
    return {each.code: {"status": each.status, "title": each.title, "title_zh": each.title_zh} for each in found}


def _response(codes: Mapping[str, Mapping[str, Any]], given: Headers) -> dict[str, Any]:
    lines = [f"- `{code}`: {said['title']} / {said['title_zh']}" for code, said in codes.items()]
    return {
        "description": "\n".join([_WHAT, "", *lines]),
        "headers": referred(given),
        CODES: codes,
        "content": _CONTENT,
    }
