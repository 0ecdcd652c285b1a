"""The sandbox's callers: a credential for every invented party, officer and person, in a file a script can read."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from creditmesh.client import Node
from creditmesh.node import people
from creditmesh.sandbox.node import SandboxNode
from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.identifiers import Code, NodeCode, Tier
from creditmesh.schemas.pii import REVEAL
from creditmesh.schemas.subject import SubjectIn

OFFICER = "_officer"
OFFICE_DUTY = "credit_management"
OFFICERS = {"market_regulation": "Officer Qin", "transport": "Officer Wei", "credit_office": "Reviewer Lan"}
"""A named officer of each of these parties; the names are invented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerLine:
    """One line of the file: who it is, at which node, and what the token is good for."""

    name: str
    role: str
    node: NodeCode
    token: str = field(repr=False)
    scopes: Sequence[str]
    sends: Sequence[Code] = ()
    """The items of the catalogue whose records it may send."""
    party: Code | None = None
    uscc: str | None = None
    subject: SubjectIn | None = None
    """Whom a person's or an enterprise's token is for: who asks about them needs the number."""

    def described(self) -> dict[str, object]:
        """As the file has it. The sandbox's people are invented, so that their numbers may stand there."""
        subject = None if self.subject is None else self.subject.model_dump(mode="json", context=REVEAL)
        names = ("name", "role", "node", "party", "uscc", "token", "scopes", "sends")
        return {name: getattr(self, name) for name in names} | {"subject": subject}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAddress:
    """Where a node is, and its place in the chain."""

    url: str
    tier: Tier
    code: NodeCode


@dataclass(frozen=True)
class Callers:
    """Where the nodes are, and who may call which of them as whom."""

    path: Path
    nodes: dict[NodeCode, NodeAddress]
    known: dict[str, CallerLine]
    _clients: dict[str, Node] = field(default_factory=dict, repr=False)

    @contextmanager
    def node(self, name: str) -> Iterator[Node]:
        """A client of that caller's node, as that caller."""
        caller = self.known[name]
        yield self._lent(name, self.nodes[caller.node].url, caller.token)

    @contextmanager
    def public(self, code: NodeCode) -> Iterator[Node]:
        """A client of a node, as anybody."""
        yield self._lent(f"anybody at {code}", self.nodes[code].url, None)

    def close(self) -> None:
        """Close every client that was lent."""
        while self._clients:
            self._clients.popitem()[1].close()

    def _lent(self, name: str, url: str, key: str | None) -> Node:
        # Kept open: making one takes longer than most calls do.
        if name not in self._clients:
            self._clients[name] = Node(url, key=key)
        return self._clients[name]

    def systems(self, *, at: NodeCode) -> Iterator[tuple[Code, str]]:
        """The parties of a node, and the name of the caller that each one's own system is."""
        for caller in self.known.values():
            if caller.node == at and caller.party is not None and not caller.name.endswith(OFFICER):
                yield caller.party, caller.name

    def having(self, duty: Code, *, at: NodeCode) -> str:
        """The name of the first party of a node that has a duty; StopIteration if none has."""
        with self.public(at) as node:
            party = next(each.code for each in node.catalogue.parties() if duty in each.duties and each.active)
        return dict(self.systems(at=at))[party]


def issue_credentials(
    nodes: Mapping[NodeCode, SandboxNode], *, path: Path, persons: Mapping[str, SubjectIn]
) -> Callers:
    """Give the parties of every node and some officers a credential, these persons one of the lowest node's.

    The file is written anew, owner-only.
    """
    lowest = next(iter(nodes))
    callers = Callers(path, {code: _address(node) for code, node in nodes.items()}, {})
    for code, node in nodes.items():
        with callers.public(code) as client:
            parties = list(client.catalogue.parties())
            items = [client.catalogue.item(each.code) for each in client.catalogue.items()]
        for caller in (caller for party in parties for caller in _credentials_of(node, party, items)):
            name = caller.name if caller.name not in callers.known else f"{code}_{caller.name}"
            callers.known[name] = replace(caller, name=name)
    for name, person in persons.items():
        token = people.add_person(nodes[lowest].operator, person)
        callers.known[name] = CallerLine(
            name=name, role="subject", node=lowest, token=token, scopes=people.PERSON_SCOPES, subject=person
        )
    _write(callers)
    return callers


def _address(node: SandboxNode) -> NodeAddress:
    return NodeAddress(url=node.url, tier=node.settings.tier, code=node.settings.node)


def _credentials_of(node: SandboxNode, party: Party, items: Sequence[Item]) -> Iterator[CallerLine]:
    if party.kind == "association" or party.code == node.settings.node:
        return
    role = "office" if OFFICE_DUTY in party.duties else party.kind
    sends = [item.code for item in items if role == "department" and set(item.duties) & set(party.duties)]
    caller = CallerLine(
        name=party.code,
        role=role,
        node=node.settings.node,
        token=people.issue_key(node.operator, party.code, kind=role),
        scopes=people.SCOPES[role],
        sends=sends,
        party=party.code,
        uscc=party.uscc,
    )
    yield caller
    if party.code in OFFICERS:
        token = people.add_officer(node.operator, party.code, OFFICERS[party.code], kind=role)
        yield replace(caller, name=party.code + OFFICER, token=token, scopes=people.OFFICER_SCOPES[role], sends=())


def _write(callers: Callers) -> None:
    nodes = {
        code: {"url": address.url, "tier": address.tier, "code": address.code}
        for code, address in callers.nodes.items()
    }
    lines = [caller.described() for caller in callers.known.values()]
    fresh = callers.path.with_suffix(".fresh")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"nodes": nodes, "callers": lines}, file, ensure_ascii=False, indent=1)
    fresh.replace(callers.path)
