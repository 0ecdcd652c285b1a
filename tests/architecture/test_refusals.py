"""A refusal says in both languages what to do: none is raised without its texts."""

import ast
from collections.abc import Iterator
from functools import cache
from inspect import Parameter, signature
from pathlib import Path

from creditmesh.chassis.errors import Problem
from tests.chassis.test_http_problems import kinds

SOURCES = [path for room in ("services", "gateway", "chassis") for path in Path(room).glob("**/src/**/*.py")]
BOTH = 2
every_kind = cache(kinds)


def kinds_in(path: Path) -> dict[str, type[Problem]]:
    """The refusals that a source may mean, by name: its own service's before the chassis's; services share names."""
    own = f"creditmesh.{path.parts[path.parts.index('creditmesh') + 1]}."
    found = [kind for kind in every_kind() if kind.__module__.startswith((own, "creditmesh.chassis."))]
    return {kind.__name__: kind for kind in sorted(found, key=lambda kind: kind.__module__.startswith(own))}


def raised(path: Path) -> Iterator[tuple[str, type[Problem], int]]:
    """Where each refusal is raised, which it is, and how many texts it is given."""
    known = kinds_in(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        called, given = (node.exc.func, node.exc.args) if isinstance(node.exc, ast.Call) else (node.exc, [])
        if isinstance(called, ast.Name) and called.id in known:
            texts = BOTH if any(isinstance(each, ast.Starred) for each in given) else len(given)
            yield f"{path}:{node.lineno}", known[called.id], texts


def says_it_itself(kind: type[Problem]) -> bool:
    """Whether the refusal has its texts without being given any, whatever else it needs."""
    needed = [each for each in signature(kind).parameters.values() if each.default is Parameter.empty]
    problem = kind(*(() for each in needed if each.kind is Parameter.POSITIONAL_OR_KEYWORD))
    return bool(problem.detail and problem.detail_zh)


def test_no_refusal_is_raised_without_what_to_do_in_both_languages():
    sites = [site for path in SOURCES for site in raised(path)]
    assert len(sites) > 50
    assert [place for place, kind, texts in sites if texts < BOTH and not says_it_itself(kind)] == []
