"""The client and the node agree on the routes: nothing is called that is not served, and what is served is callable."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from creditmesh.client import ClientError, Node
from creditmesh.gateway.routes import Routes
from creditmesh.node.declaration import NODE
from creditmesh.sandbox.routes_page import (
    GUIDES,
    PAGE,
    WITHOUT_COMMAND,
    WITHOUT_METHOD,
    beginning,
    commands,
    commands_of,
    methods,
    named,
    rooms_of,
    routes_page,
)
from creditmesh.schemas.cases import ActionIn, CaseIn, CaseOut
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.queries import AuthorisationIn, QueryIn
from creditmesh.schemas.screenings import EligibilityIn, ScreenedIn
from creditmesh.schemas.subject import Document, SubjectIn
from creditmesh.schemas.tasks import FeedbackIn, TaskOut
from tests.client.remote import ITEM, Remote
from tests.support.cast import uscc

ID = UUID("0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11")
QUERY = QueryIn.model_validate(
    {
        "subject": {"kind": "organisation", "document": {"type": "uscc", "number": "91990000MA00000000"}},
        "purpose": "statutory_duty",
        "matter": "procurement_review",
    }
)
PERMISSION = AuthorisationIn(
    bureau="alpha_credit", purpose="credit_assessment", items=(ITEM,), valid_until=date(2099, 1, 1)
)
CASE = CaseOut(
    case=ID, kind="repair", state="filed", record=ID, item=ITEM, party="tax", filed_on=date(2026, 5, 11), rev=1
)
SCREENED = ScreenedIn(kind=QUERY.subject.kind, document=QUERY.subject.document)
TASK = f"{ID}.3f9c2d1a7b40.procurement_bar"
READ = TaskOut.model_construct(id=TASK, answers=0)
OF_NODES = {
    ("POST", "/v1/exchange/feeds/{feed}/acknowledgements"),
    ("GET", "/v1/exchange/feeds/{feed}/origins"),
    ("GET", "/v1/exchange/copies/{feed}"),
    ("GET", "/v1/exchange/copies/{feed}/entries"),
}
"""What only a node can send, or ask about its own feeds: with its own signature."""
SUBJECT = SubjectIn(kind="organisation", document=Document(type="uscc", number=Pii(uscc(1))))
CALLS: dict[str, Callable[[Node], object]] = {
    "catalogue.glance": lambda node: node.catalogue.glance(),
    "catalogue.items": lambda node: node.catalogue.items(q="处罚", kind="organisation", as_of=date(2026, 1, 1)),
    "catalogue.item": lambda node: node.catalogue.item(ITEM),
    "catalogue.versions": lambda node: node.catalogue.versions(ITEM),
    "catalogue.schema": lambda node: node.catalogue.schema(ITEM),
    "catalogue.workbook": lambda node: node.catalogue.workbook(ITEM),
    "catalogue.template": lambda node: node.catalogue.template(ITEM, header="zh"),
    "catalogue.lists": lambda node: node.catalogue.lists(),
    "catalogue.measures": lambda node: node.catalogue.measures(),
    "catalogue.procedures": lambda node: node.catalogue.procedures(),
    "catalogue.matters": lambda node: node.catalogue.matters(),
    "catalogue.purposes": lambda node: node.catalogue.purposes(),
    "catalogue.parties": lambda node: node.catalogue.parties(),
    "catalogue.code_set": lambda node: node.catalogue.code_set("penalty_kind"),
    "catalogue.withdraw": lambda node: node.catalogue.withdraw(ITEM, basis="abolished", etag='"1-20260101"'),
    "records.submit": lambda node: node.records.submit(ITEM, {"A": "b"}),
    "records.read": lambda node: node.records.read(ID),
    "records.revisions": lambda node: node.records.revisions(ID),
    "records.reinstate": lambda node: node.records.reinstate(ITEM, {"A": "b"}, basis="示法行终〔2026〕1号"),
    "records.correct": lambda node: node.records.correct(ID, {"A": "b"}, rev=1, reason="error"),
    "records.withdraw": lambda node: node.records.withdraw(ID, rev=1, reason="revoked"),
    "records.find": lambda node: next(node.records.find(number="示市监罚〔2026〕1号", item=ITEM)),
    "submissions.list": lambda node: next(node.submissions.list(item=ITEM, since=date(2026, 1, 1))),
    "submissions.read": lambda node: node.submissions.read(ID),
    "submissions.verdicts": lambda node: node.submissions.verdicts(ID),
    "submissions.verdict_lines": lambda node: node.submissions.verdict_lines(ID),
    "submissions.receipt": lambda node: node.submissions.receipt(ID),
    "records.quality": lambda node: node.records.quality(item=ITEM, since=date(2026, 5, 1)),
    "reviews.waiting": lambda node: node.reviews.waiting(),
    "reviews.read": lambda node: node.reviews.read(ID),
    "reviews.release": lambda node: node.reviews.release(ID, note="checked"),
    "reviews.refuse": lambda node: node.reviews.refuse(ID),
    "reviews.confirm_number": lambda node: node.reviews.confirm_number(SUBJECT),
    "queries.ask": lambda node: node.queries.ask(QUERY),
    "authorisations.hand_in": lambda node: node.authorisations.hand_in("a.b.c"),
    "authorisations.read": lambda node: node.authorisations.read(ID),
    "cases.file": lambda node: node.cases.file(CaseIn(kind="repair", record=ID, statement="x")),
    "cases.to_handle": lambda node: node.cases.to_handle(state="filed", due_before=date(2026, 5, 12)),
    "cases.read": lambda node: node.cases.read(ID),
    "cases.act": lambda node: node.cases.act(CASE, ActionIn(action="accept")),
    "cases.add_evidence": lambda node: node.cases.add_evidence(
        ID, b"%PDF-1.7\n%%EOF", kind="proof", media_type="application/pdf"
    ),
    "cases.evidence": lambda node: node.cases.evidence(ID, "0" * 64),
    "cases.certificate": lambda node: node.cases.certificate(ID),
    "screenings.screen": lambda node: node.screenings.screen(SCREENED, matter="procurement_review", officer="W-17"),
    "screenings.eligibility": lambda node: node.screenings.eligibility(
        EligibilityIn(subject=QUERY.subject), matter="procurement_review"
    ),
    "screenings.on_list": lambda node: node.screenings.on_list("judgment_defaulters"),
    "tasks.waiting": lambda node: node.tasks.waiting(state="withdrawn", due_before=date(2026, 12, 1)),
    "tasks.read": lambda node: node.tasks.read(TASK),
    "tasks.answer": lambda node: node.tasks.answer(READ, FeedbackIn(outcome="applied", officer="W-17")),
    "exchange.feeds": lambda node: node.exchange.feeds(),
    "exchange.entries": lambda node: node.exchange.entries("up", after=3),
    "exchange.checkpoint": lambda node: node.exchange.checkpoint("up", size=3),
    "exchange.inclusion": lambda node: node.exchange.inclusion("up", index=1, size=3),
    "exchange.consistency": lambda node: node.exchange.consistency("up", old=1, new=3),
    "me.file": lambda node: node.me.file(),
    "me.accesses": lambda node: node.me.accesses(),
    "me.authorisations": lambda node: node.me.authorisations(),
    "me.authorise": lambda node: node.me.authorise(PERMISSION),
    "me.cases": lambda node: node.me.cases(),
    "me.revoke": lambda node: node.me.revoke(ID),
    "me.export": lambda node: node.me.export(),
    "public.lists": lambda node: node.public.lists(),
    "public.records": lambda node: node.public.records(ITEM),
    "public.search": lambda node: node.public.search(name="示例"),
}


def template_of(routes: Routes, call: Callable[[Node], object], node: Node, remote: Remote) -> tuple[str, str]:
    with suppress(ClientError):
        answer = call(node)
        if isinstance(answer, Iterator):
            next(answer)
    asked = remote.asked[-1]
    return asked.method, routes.find(asked.method, asked.path.partition("?")[0]).template


@pytest.mark.parametrize("name", CALLS)
def test_what_the_client_calls_is_served(node, remote, name):
    remote.refuse_all = True
    template_of(Routes(NODE.services), CALLS[name], node, remote)


def test_every_route_that_is_served_can_be_called(node, remote):
    remote.refuse_all = True
    routes = Routes(NODE.services)
    called = {template_of(routes, call, node, remote) for call in CALLS.values()}
    served = {(method, route.template) for route in routes.all for method in route.methods}
    assert served - called == OF_NODES


def test_the_guide_names_every_call_of_every_room():
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "client.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `node\.(\w+)` \|.*?\|(.*)\|$", guide, re.MULTILINE)
    named = {room: set(re.findall(r"`(\w+)`", calls)) for room, calls in rows}
    node = Node("http://node.test", key="k")
    rooms = rooms_of(node)
    called = {
        name: {each for each in dir(room) if not each.startswith("_") and callable(getattr(room, each))}
        for name, room in rooms.items()
    }
    assert named == called


def test_the_page_of_routes_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == routes_page(), "run `make docs` and commit docs/reference"


def test_the_page_reads_from_a_method_what_it_calls(node, remote):
    remote.refuse_all = True
    routes = Routes(NODE.services)
    called = {name: " ".join(template_of(routes, call, node, remote)) for name, call in CALLS.items()}
    assert {name for name, route in called.items() if name not in methods()[route]} == set()


def test_every_route_has_a_method_or_is_named_with_the_reason_for_none():
    served = {named(route) for route in Routes(NODE.services).all}
    assert {route for route in served if not methods().get(route)} == set(WITHOUT_METHOD)
    assert {" ".join(route) for route in OF_NODES} == set(WITHOUT_METHOD)


def test_every_route_with_a_method_has_a_command_or_is_named_with_the_reason_for_none():
    called = {named(route) for route in Routes(NODE.services).all} - set(WITHOUT_METHOD)
    assert {route for route in called if not commands_of(route)} == set(WITHOUT_COMMAND)


def test_every_route_has_the_guide_that_is_about_it():
    routes = Routes(NODE.services).all
    by = {named(route): beginning(route) for route in routes}
    assert set(by.values()) == GUIDES.keys(), "and no beginning is of no route"
    told = {
        name: (PAGE.parents[1] / "guide" / f"{page}.md").read_text(encoding="utf-8") for name, page in GUIDES.items()
    }
    for route in routes:  # the page has it, or a route or a command of the same kind
        kind = "/".join(route.template.split("/")[:3])
        calls = [f"`creditmesh {each}" for each in commands_of(named(route))]
        assert any(each in told[by[named(route)]] for each in (kind, *calls)), named(route)
    assert (by["POST /v1/items/{item}/records"], by["GET /v1/me/cases"]) == ("/v1/items/", "/v1/me/cases")


def test_the_page_reads_from_a_command_which_methods_it_calls():
    assert "submit" in commands()["records.submit_file"]
    assert {name for names in commands().values() for name in names} >= {"submit", "pull", "screen"}
