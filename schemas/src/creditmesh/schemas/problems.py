"""RFC 9457 problem documents in both languages."""

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
