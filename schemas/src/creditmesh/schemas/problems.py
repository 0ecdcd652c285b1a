"""RFC 9457 problem documents in both languages."""

import re

from pydantic import BaseModel, ConfigDict, Field

PROBLEM_JSON = "application/problem+json"
MOST_FINDINGS = 20
"""Findings that one answer or one row has: enough to mend it by, and a bound to the work that a bad one makes."""


class FieldError(BaseModel):
    """What is wrong with one field: where (JSON Pointer), which rule (stable code), and the remedy. Never its value."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    code: str
    detail: str
    detail_zh: str


def read_aloud(detail: str, *, errors: bool) -> str:
    """A detail for people who see the errors below it: where it only says that they stand in `errors`, nothing."""
    return "" if errors and re.match(r"See errors\b|\S+见 errors", detail) else detail


class ProblemDocument(BaseModel):
    """The body of every error a node answers with."""

    type: str = Field(description="A stable URI: urn:creditmesh:problem:<code>")
    code: str
    title: str
    title_zh: str
    status: int
    detail: str = ""
    detail_zh: str = ""
    request_id: str | None = None
    errors: tuple[FieldError, ...] = ()
