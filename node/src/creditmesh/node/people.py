"""Credentials an operator hands out: keys for parties' systems, tokens for named officers and for people."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from pydantic import ValidationError

from creditmesh.node.errors import NodeError
from creditmesh.node.operator import Operator
from creditmesh.schemas.pii import REVEAL
from creditmesh.schemas.subject import SubjectIn

SCOPES = {
    "department": (
        "records:submit",
        "records:read",
        "records:change",
        "queries:ask",
        "screenings:ask",
        "tasks:answer",
    ),
    "bureau": ("queries:ask", "authorisations:write"),
    "office": ("records:read", "catalogue:publish"),
    "node": ("exchange:pull",),
}
"""What a key of each kind may do where the operator says nothing else."""
OFFICER_SCOPES = {
    "department": (
        "records:read",
        "records:change",
        "reviews:decide",
        "queries:ask",
        "screenings:ask",
        "tasks:answer",
        "cases:handle",
    ),
    "office": ("records:read", "reviews:decide", "catalogue:publish", "cases:handle"),
}
"""The same for a named officer's token."""
PERSON_SCOPES = ("me:read", "me:authorise", "cases:file")
COLUMNS = ("key", "kind", "party", "who", "scopes", "items", "expires", "state")


def issue_key(
    operator: Operator,
    party: str,
    *,
    kind: str = "department",
    scopes: list[str] | None = None,
    items: list[str] | None = None,
    days: int = 365,
    label: str = "default",
) -> str:
    """A new API key's text, shown this once."""
    order = {
        "kind": kind,
        "party": party,
        "scopes": scopes or _default(SCOPES, kind),
        "items": items,
        "label": label,
        "expires": (datetime.now(UTC) + timedelta(days=days)).isoformat(),
    }
    return _text(operator.call("gateway", "POST", "/v1/admin/keys", order))


def add_officer(
    operator: Operator, party: str, name: str, *, kind: str = "department", scopes: list[str] | None = None
) -> str:
    """A token for a named officer of a party."""
    order = {"kind": kind, "party": party, "officer": name, "scopes": scopes or _default(OFFICER_SCOPES, kind)}
    return _text(operator.call("gateway", "POST", "/v1/admin/people", order))


def add_person(operator: Operator, person: SubjectIn) -> str:
    """A token for a person's own side: ingestion finds the subject, the gateway keeps only its id."""
    found = operator.call("ingestion", "POST", "/internal/subjects", person.model_dump(mode="json", context=REVEAL))
    order = {"kind": "subject", "subject": found["subject"], "scopes": list(PERSON_SCOPES)}
    return _text(operator.call("gateway", "POST", "/v1/admin/people", order))


def listed(
    operator: Operator, *, party: str | None = None, kind: str | None = None, ended: bool = False
) -> list[tuple[str, ...]]:
    """Every credential, or those of a party or kind, that are live; `ended`: the others too."""
    rows = [(each, _state(each)) for each in _credentials(operator, {"party": party, "kind": kind})]
    return [
        (
            each["key"],
            each["kind"],
            each["party"] or "-",
            each["officer"] or each["subject"] or each["label"],
            " ".join(each["scopes"]),
            "all" if each["items"] is None else " ".join(each["items"]),
            each["expires"],
            state,
        )
        for each, state in rows
        if ended or state == "live"
    ]


def _credentials(operator: Operator, asked: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    query = {name: value for name, value in asked.items() if value is not None} | {"limit": "1000"}
    while True:
        page = operator.call("gateway", "GET", f"/v1/admin/keys?{urlencode(query)}")
        yield from page["items"]
        if page["next"] is None:
            return
        query["cursor"] = page["next"]


def _state(credential: Mapping[str, Any]) -> str:
    if credential["revoked"] is not None:
        return "revoked"
    return "live" if datetime.fromisoformat(credential["expires"]) > datetime.now(UTC) else "expired"


def read_document(path: Path) -> SubjectIn:
    """The person in a JSON file (or on standard input, for `-`); NodeError if it is not one."""
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return SubjectIn.model_validate(orjson.loads(raw))
    except (OSError, ValueError, ValidationError) as error:
        raise NodeError(
            'a JSON file like {"kind": "natural_person", "document": {"type": "resident_id", "number": "..."}}',
            "需要形如 {kind, document: {type, number}} 的 JSON 文件",
        ) from error


def _default(scopes: Mapping[str, tuple[str, ...]], kind: str) -> list[str]:
    if kind not in scopes:
        kinds = ", ".join(scopes)
        raise NodeError(
            f"name the scopes, or one of the kinds that have some by default: {kinds}",
            f"请用 --scope 指明权限，或选用有默认权限的类别：{kinds}",
        )
    return list(scopes[kind])


def _text(answer: Any) -> str:
    text: str = answer["credential"]
    return text
