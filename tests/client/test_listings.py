"""What the pages of a list say of the list itself reaches whoever asked: in the library, at a terminal, as JSON."""

import json
from collections.abc import Iterator
from functools import cached_property
from inspect import get_annotations, getmembers, isfunction
from pathlib import Path
from typing import get_origin
from uuid import UUID

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from creditmesh.client import AccessListing, Listing, Node
from tests.client.test_cli_errors import ASKING
from tests.client.test_cli_pull import run
from tests.client.test_cli_screen import screen

RECORD, OTHER = UUID(int=5), UUID(int=6)
LISTS = {
    name: call for name, call in ASKING.items() if name.rpartition(" ")[2] in {"list", "find", "accesses"}
}  # fmt: skip
STREAMS = {"screen_many", "verdicts", "follow"}
"""What comes as lines or pages of a log, and is no list with pages."""


def answering(remote, **page: object) -> None:
    remote.catching_up = JSONResponse({"items": [], "next": None, **page})


def paged(*pages: dict[str, object]) -> Node:
    left = list(pages)
    return Node("http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=left.pop(0))))


def test_a_listing_says_what_any_of_its_pages_said():
    first = {"items": [], "next": "2", "partial": True, "unreadable": [str(RECORD)]}
    last = {"items": [], "next": None, "unreadable": [str(OTHER), str(RECORD)]}
    with paged(first, last) as node:
        found = node.tasks.waiting()
        assert isinstance(found, Listing)
        assert (found.partial, found.unreadable) == (False, ())
        assert list(found) == []
        assert (found.partial, found.unreadable) == (True, (RECORD, OTHER))


def test_the_log_of_who_looked_says_where_else_there_is_one():
    with paged({"items": [], "next": None, "copies_at": ["province"]}) as node:
        found = node.me.accesses()
        assert isinstance(found, AccessListing)
        assert (list(found), found.copies_at, found.partial) == ([], ("province",), False)


def test_no_list_of_the_library_is_handed_out_without_what_its_pages_say():
    with Node("http://127.0.0.1:1") as node:
        kinds = {type(getattr(node, name)) for name, part in vars(Node).items() if isinstance(part, cached_property)}
    assert len(kinds) > 8
    given = {
        (kind.__name__, name): get_annotations(method, eval_str=True).get("return")
        for kind in kinds
        for name, method in getmembers(kind, isfunction)
        if not name.startswith("_")
    }
    bare = {name for (_, name), answer in given.items() if get_origin(answer) is Iterator}
    assert bare <= STREAMS
    listed = {name for (_, name), answer in given.items() if get_origin(answer) is Listing or answer is AccessListing}
    assert {"find", "list", "waiting", "to_handle", "accesses", "on_list", "search", "parties"} <= listed
    sources = Path("client/src").rglob("*.py")
    assert [path.stem for path in sources if "from page.items" in path.read_text("utf-8")] == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_not_whole_says_so_at_a_terminal_and_as_json(remote, name: str):
    words = [*name.split(), *LISTS[name].split()]
    answering(remote, partial=True, unreadable=[str(RECORD)])
    shown = run(remote, *words)
    assert (shown.returncode, "共 in all: 0" in shown.stdout) == (0, True), shown.stderr
    for said in (str(RECORD), "Silence proves nothing", "节点暂时无法读取部分记录"):
        assert said in shown.stderr
    as_json = run(remote, *words, "--json")
    assert json.loads(as_json.stdout) == {"partial": True, "unreadable": [str(RECORD)]}

    answering(remote, partial=True)
    for limited in (run(remote, *words), run(remote, *words, "--json")):
        assert "limited to some items" in limited.stderr
        assert "凭证仅覆盖部分条目" in limited.stderr
    answering(remote)
    whole = run(remote, *words, "--json")
    assert (whole.stdout, whole.stderr) == ("", "")


def test_all_commands_that_list_are_tried_here():
    assert len(LISTS) >= 8


@pytest.mark.parametrize("words", [("me", "accesses"), ("me", "file"), ("me", "export")])
def test_a_person_is_told_that_a_node_above_has_a_log_of_its_own(remote, words: tuple[str, ...]):
    about = {"decision_id": str(RECORD), "as_of": "2026-03-02", "records": [], "node": "city"}
    answering(remote, **about, authorisations=[], accesses=[], copies_at=["province"], unreadable=[str(OTHER)])
    shown = run(remote, *words)
    assert shown.returncode == 0, shown.stderr
    assert "Copies may be at province too" in shown.stderr
    assert "province 也可能存有副本" in shown.stderr
    assert str(OTHER) in shown.stderr
    if words == ("me", "accesses"):
        assert json.loads(run(remote, *words, "--json").stdout)["copies_at"] == ["province"]


def test_a_look_at_a_copy_above_is_no_look_here(remote):
    here = {"access": str(RECORD), "caller": "department", "purpose": "own_file", "ground": "self"}
    here |= {"outcome": "released", "at": "2026-03-02T10:00:00Z"}
    answering(remote, items=[here | {"node": "province", "looked_at": "2026-02-28T09:00:00Z"}])
    shown = run(remote, "me", "accesses").stdout
    assert "province" in shown
    assert "2026-02-28T09:00:00Z" in shown


def test_a_screening_counts_whose_records_the_node_cannot_read_and_blames_no_credential(remote, tmp_path):
    file = tmp_path / "bidders.csv"
    file.write_text("number\n990000198504120010\n")
    answer = {"row": 1, "certainty": "partial", "as_of": "2026-03-02", "unreadable": [str(RECORD)]}
    for _ in range(2):
        remote.answers["/v1/screenings?matter=review&officer=W-17"] = Response(
            json.dumps(answer) + "\n", media_type="application/x-ndjson"
        )
    shown = screen(remote, file)
    assert (shown.returncode, "some records unreadable" in shown.stdout) == (1, True), shown.stderr
    assert "凭证" not in shown.stdout
    summary = json.loads(screen(remote, file, "--json").stdout)
    assert (summary["partial"], summary["unreadable"]) == (1, 1)
