"""Conditional changes: who changes a resource names the state it was decided on, by the ETag that was read."""

import re

from fastapi import Request

from creditmesh.chassis.errors import Malformed, Problem

_TAG = re.compile(r'"(0|[1-9]\d{0,8})"', re.ASCII)
_NEVER_OURS = re.compile(r'W/".*"|"0\d+"', re.ASCII)
"""Weak tags, which never match here (RFC 9110, 13.1.1), and a number as it is never written."""

_NO_STATE = -1


class IfMatchNeeded(Problem):
    """428: a change names the state it was made from (RFC 6585)."""

    code = "if_match_needed"
    title = "If-Match with the resource's ETag is needed"
    title_zh = "须以 If-Match 提供资源的 ETag"
    status = 428


class BadIfMatch(Malformed):
    """400: what stands in If-Match is not one ETag as this node writes it."""

    code = "bad_if_match"
    title = "If-Match is not one ETag of this node"
    title_zh = "If-Match 的值不是本节点给出的单个 ETag"


def etag(number: int) -> str:
    """The ETag of a resource's numbered state."""
    return f'"{number}"'


def expected(request: Request) -> int:
    """The number of the state that a change was decided on; IfMatchNeeded without one, BadIfMatch for what is none.

    For a tag that no state has it is a number that no state has: the resource itself says what it is at.
    """
    given = request.headers.get("if-match", "").strip()
    if not given:
        raise IfMatchNeeded(
            'Read it first and send its ETag, such as If-Match: "1".',
            '请先读取该资源，并以 If-Match: "1" 的形式提供其 ETag。',
        )
    if _NEVER_OURS.fullmatch(given):
        return _NO_STATE
    found = _TAG.fullmatch(given)
    if found is None:
        raise BadIfMatch(
            'Send the one ETag that you read, with its quotes, such as If-Match: "1".',
            '请原样提供所读取的单个 ETag，包括英文双引号，例如 If-Match: "1"。',
        )
    return int(found[1])
