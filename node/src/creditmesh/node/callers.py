"""The sandbox's callers: a credential for every invented party, officer and person, in a file a script can read."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from creditmesh.client import Node
from creditmesh.node import people
from creditmesh.node.operator import Operator
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.subject import SubjectIn

OFFICE = "credit_office"
OFFICERS = {"market_regulation": "Officer Qin", "transport": "Officer Wei", OFFICE: "Reviewer Lan"}
"""A named officer of each of these parties; the names are invented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One line of the file."""

    name: str
    role: str
    token: str = field(repr=False)
    party: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Callers:
    """Where the node is, and who may call it as whom."""

    url: str
    path: Path
    known: dict[str, Caller]

    def node(self, name: str | None = None) -> Node:
        """A client of the node as that caller; as the public without a name."""
        return Node(self.url, key=None if name is None else self.known[name].token)


def invite(operator: Operator, *, url: str, path: Path, persons: dict[str, SubjectIn]) -> Callers:
    """Give every sandbox party, some officers and these persons a credential, and write the file (owner-only)."""
    with Node(url) as node:
        parties = list(node.catalogue.parties())
    known = {caller.name: caller for caller in _invited(operator, parties, persons)}
    callers = Callers(url, path, known)
    _write(callers)
    return callers


def _invited(operator: Operator, parties: Iterable[Party], persons: dict[str, SubjectIn]) -> Iterable[Caller]:
    for party in parties:
        if party.kind in {"department", "bureau"}:
            kind = "office" if party.code == OFFICE else party.kind
            token = people.issue_key(operator, party.code, kind=kind)
            yield Caller(name=party.code, role=kind, party=party.code, code=party.uscc, token=token)
        if party.code in OFFICERS:
            kind = "office" if party.code == OFFICE else "department"
            token = people.add_officer(operator, party.code, OFFICERS[party.code], kind=kind)
            yield Caller(name=f"{party.code}_officer", role=kind, party=party.code, code=party.uscc, token=token)
    for name, person in persons.items():
        yield Caller(name=name, role="subject", token=people.add_person(operator, person))


def _write(callers: Callers) -> None:
    lines: list[dict[str, object]] = [
        {
            "name": caller.name,
            "role": caller.role,
            "node": "city",
            "party": caller.party,
            "code": caller.code,
            "token": caller.token,
            "items": [],
        }
        for caller in callers.known.values()
    ]
    body = {"nodes": {"city": {"url": callers.url, "tier": "city", "code": "city"}}, "callers": lines}
    fresh = callers.path.with_suffix(".fresh")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(body, file, ensure_ascii=False, indent=1)
    fresh.replace(callers.path)
