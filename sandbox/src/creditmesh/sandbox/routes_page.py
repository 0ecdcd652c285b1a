"""`docs/reference/routes.md`: each route, who may call it, and how: client method, command, guide. From the code.

`python -m creditmesh.sandbox.routes_page [file]`; it stands here because here alone both the node and the client are
known. Which method calls a route is read from the method, which method a command calls from the command.
"""

import argparse
import ast
import dis
import inspect
import re
import textwrap
import typing
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from types import CodeType
from typing import Any

import typer

from creditmesh.chassis.http.reached import reached_from
from creditmesh.client import Node
from creditmesh.client.cli.app import app
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE

DOCS = Path(__file__).parents[4] / "docs"
PAGE = DOCS / "reference" / "routes.md"
WITHOUT_METHOD: Mapping[str, str] = {
    "POST /v1/exchange/feeds/{feed}/acknowledgements": "a node signs it with its own key",
    "GET /v1/exchange/feeds/{feed}/origins": "a node asks what proves the entries that another passes on",
    "GET /v1/exchange/copies/{feed}": "a node asks about its own feed, with its own signature",
    "GET /v1/exchange/copies/{feed}/entries": "a node asks about its own feed, with its own signature",
}
"""What the client does not call, and why."""
_CATALOGUE = "programs read it; `templates` shows what a department sends"
_PUBLIC = "anybody reads it without a key, in a browser or a program"
_PROOF = "`pull` verifies every page without it; it is for programs that audit a feed"
WITHOUT_COMMAND: Mapping[str, str] = {
    "GET /v1/catalogue": _CATALOGUE,
    "GET /v1/catalogue/items/{code}/versions": _CATALOGUE,
    "GET /v1/catalogue/items/{code}/schema": _CATALOGUE,
    "GET /v1/catalogue/lists": _CATALOGUE,
    "GET /v1/catalogue/measures": _CATALOGUE,
    "GET /v1/catalogue/matters": _CATALOGUE,
    "GET /v1/catalogue/procedures": _CATALOGUE,
    "GET /v1/catalogue/purposes": _CATALOGUE,
    "POST /v1/catalogue/items/{code}/withdraw": "the office does it a few times in a node's life",
    "POST /v1/items/{item}/reinstatements": "one decision after a judgement, seldom",
    "POST /v1/subjects/confirmations": "one number at a time, in the program where an officer sees the document",
    "GET /v1/public/lists": _PUBLIC,
    "GET /v1/public/records": _PUBLIC,
    "POST /v1/public/searches": _PUBLIC,
    "POST /v1/eligibility": "asked of one subject by the program in which a reward is decided",
    "GET /v1/designations": "programs that keep a list read it page by page",
    "GET /v1/exchange/feeds/{feed}/proofs/inclusion": _PROOF,
    "GET /v1/exchange/feeds/{feed}/proofs/consistency": _PROOF,
}
"""What the client calls and no command does, and why."""
GUIDES: Mapping[str, str] = {
    "/v1/catalogue/": "catalogue",
    "/v1/catalogue/items/{code}/template.csv": "submitting",
    "/v1/catalogue/items/{code}/schema": "submitting",
    "/v1/items/": "submitting",
    "/v1/submissions/": "submitting",
    "/v1/records/": "submitting",
    "/v1/reviews/": "submitting",
    "/v1/quality/": "submitting",
    "/v1/subjects/": "credentials",
    "/v1/queries/": "querying",
    "/v1/authorisations/": "querying",
    "/v1/me/": "querying",
    "/v1/me/cases": "cases",
    "/v1/cases/": "cases",
    "/v1/public/": "querying",
    "/v1/screenings/": "acting",
    "/v1/eligibility/": "acting",
    "/v1/designations/": "acting",
    "/v1/tasks/": "acting",
    "/v1/exchange/": "peers",
    "/v1/exchange/feeds/{feed}/entries": "client",
    "/v1/exchange/feeds/{feed}/checkpoint": "client",
    "/v1/exchange/feeds/{feed}/proofs/": "client",
}
"""The guide that is about a route, by how its path begins; the longest beginning counts."""
_HEAD = """# The routes, and how they are called

Written from the code by `python -m creditmesh.sandbox.routes_page`. Methods are those of the
[client](../guide/client.md)'s `Node`; a command is `creditmesh <command>`. What stands in brackets says why there is no
method, or no command. 接口一览：可调用方、客户端方法、命令与指南。

The operator's own listener is not in it: no `creditmesh` command calls it. Its routes are in
[a document of their own](openapi-operator.json), and `creditmesh-node --help` has what calls them.
运维人员的接口不在此列，见其单独的接口文档及 `creditmesh-node --help`。

| route | who | client | command | guide |
|---|---|---|---|---|
"""
_VERBS = {"get": "GET", "listing": "GET", "pages": "GET", "post": "POST", "searched": "POST", "tell": "POST"}


def routes_page() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(_line(route) for route in Routes(NODE.services).all)


def named(route: Route) -> str:
    """The route as the page names it: `GET /v1/quality`."""
    return f"{min(route.methods)} {route.template}"


def rooms_of(node: Node) -> Mapping[str, object]:
    """The parts of the client by their names: a part is loaded when it is asked for."""
    return {name: getattr(node, name) for name, part in vars(Node).items() if isinstance(part, cached_property)}


@cache
def methods() -> Mapping[str, tuple[str, ...]]:
    """The client's methods by the routes that they call, as `room.method`."""
    routes = {_shape(named(route)): named(route) for route in Routes(NODE.services).all}
    found: dict[str, list[str]] = defaultdict(list)
    with Node("http://node.test") as node:
        rooms = rooms_of(node)
    for name, room in rooms.items():
        for method, function in inspect.getmembers(type(room), inspect.isfunction):
            if not method.startswith("_"):
                for call in dict.fromkeys(_calls(function)):
                    found[routes[call]] += [f"{name}.{method}"] if call in routes else []
    return {route: tuple(dict.fromkeys(called)) for route, called in found.items()}


@cache
def commands() -> Mapping[str, tuple[str, ...]]:
    """The commands by the client's methods that they call."""
    found: dict[str, list[str]] = defaultdict(list)
    rooms = {each.partition(".")[0] for called in methods().values() for each in called}
    for name, command in _commands(typer.main.get_command(app), ""):
        for function in reached_from(command).functions:
            if function.__module__.startswith("creditmesh.client"):
                for room, method in _pairs(function.__code__):
                    found[f"{room}.{method}"] += [name] if room in rooms else []
    return {method: tuple(dict.fromkeys(names)) for method, names in found.items()}


def commands_of(name: str) -> tuple[str, ...]:
    """The commands that call a route, by the route as the page names it."""
    found = (command for method in methods().get(name, ()) for command in commands().get(method, ()))
    return tuple(dict.fromkeys(found))


def _reason(reasons: Mapping[str, str], name: str) -> str:
    return f"({reasons[name]})" if name in reasons else ""


def _line(route: Route) -> str:
    name = named(route)
    called = methods().get(name, ())
    cells = (
        f"`{name}`",
        _who(route),
        "<br>".join(f"`{each}`" for each in called) or _reason(WITHOUT_METHOD, name),
        "<br>".join(f"`{each}`" for each in commands_of(name)) or _reason(WITHOUT_COMMAND, name),
        _guide(route),
    )
    return f"| {' | '.join(cells)} |\n"


def _who(route: Route) -> str:
    access = route.access
    kinds = [f"{kind} (`{access.scope_of(kind)}`)" for kind in sorted(access.kinds)]
    return ", ".join(kinds) or "anybody"


def _guide(route: Route) -> str:
    page = GUIDES[beginning(route)]
    return f"[{page}](../guide/{page}.md)"


def beginning(route: Route) -> str:
    """By which of `GUIDES` a route has its guide."""
    return max((each for each in GUIDES if f"{route.template}/".startswith(each)), key=len)


def _shape(name: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", name)


def _calls(function: Callable[..., Any]) -> Iterator[str]:
    """The routes that a method calls, itself or by others of the client, as `GET /v1/records/{}`."""
    given = typing.get_type_hints(function).get("return")
    ways = [given] if getattr(given, "__module__", "").startswith("creditmesh.client.") else []
    for each in reached_from(function, *ways).functions:
        if each.__module__.startswith("creditmesh.client.") and not each.__code__.co_filename.startswith("<"):
            tree = ast.parse(textwrap.dedent(inspect.getsource(each)))
            for call in ast.walk(tree):
                if isinstance(call, ast.Call):
                    yield from _of_call(call, tree, each.__globals__)


def _of_call(call: ast.Call, tree: ast.AST, names: Mapping[str, Any]) -> Iterator[str]:
    keywords = {each.arg: each.value for each in call.keywords}
    said = keywords.get("method")
    verb = _VERBS.get(getattr(call.func, "attr", ""))
    method = str(said.value) if isinstance(said, ast.Constant) else verb
    for place in (keywords.get("path"), *call.args[:1]):
        path = _path(place, tree, names)
        if method and path.startswith("/v1/"):
            yield f"{method} {path}"


def _path(node: ast.AST | None, tree: ast.AST, names: Mapping[str, Any]) -> str:
    """A path with `{}` for what is put in; of a name, what was assigned to it; of a call, what the function returns."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.FormattedValue):
        begun = _path(node.value, tree, names)
        return begun if begun.startswith("/v1/") else "{}"
    if isinstance(node, ast.JoinedStr):
        return "".join(_path(each, tree, names) for each in node.values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _returned(names.get(node.func.id))
    if isinstance(node, ast.Name):
        for each in ast.walk(tree):
            if isinstance(each, ast.Assign) and any(getattr(to, "id", None) == node.id for to in each.targets):
                return _path(each.value, tree, names)
    return ""


def _returned(function: object) -> str:
    if not (inspect.isfunction(function) and function.__module__.startswith("creditmesh.client.")):
        return ""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    returns = [each.value for each in ast.walk(tree) if isinstance(each, ast.Return)]
    return _path(returns[0], tree, function.__globals__) if returns else ""


def _commands(group: Any, before: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from _commands(each, f"{before}{name} ")
        else:
            yield before + name, each.callback.__wrapped__


def _pairs(code: CodeType) -> Iterator[tuple[str, str]]:
    """What is taken from what was taken: `records`, `submit` of `node.records.submit`."""
    taken = [each.argval if each.opname in {"LOAD_ATTR", "LOAD_METHOD"} else "" for each in dis.get_instructions(code)]
    yield from ((room, method) for room, method in pairwise(taken) if room and method)
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _pairs(each)


def main() -> None:
    """Write the page into the file that the command line names, by default the one in the source tree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=PAGE)
    parser.parse_args().file.write_text(routes_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
