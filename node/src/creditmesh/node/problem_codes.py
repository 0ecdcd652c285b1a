"""`docs/reference/problems.md`: every code that a node answers, what it means and what it tells to do, from the code.

What a refusal says is read where it is made: the texts in both languages stand there, beside what led to it.
"""

import ast
import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

from creditmesh.chassis.errors import Problem
from creditmesh.node.declaration import NODE
from creditmesh.schemas.reasons import REASONS

_HEAD = """# What a node refuses, and why

Written from the code by `python -m creditmesh.node.reference`. A refusal is `application/problem+json` (RFC 9457):
`code` is stable, `title` and `detail` stand in English and Chinese, `errors` names each field at fault. The OpenAPI
document says which route may answer which code (`x-creditmesh-problems`).

拒绝应答为 `application/problem+json`；`code` 稳定不变，各接口可能的代码见 OpenAPI 文档。

## Refusals of a request

| status | code | meaning / 含义 | what it says to do / 处理办法 |
|---|---|---|---|
"""
_REASONS = """
## Reasons of a row, and of an entry

A verdict that is `refused`, `held` or `unchanged` gives reasons (`reasons[].code`), and so does a notice.
逐行结果中的原因代码。

| code | what it says / 说明 |
|---|---|
"""
_MOST = 4
"""Of one code so many texts are shown; a field's own fault is told in `errors`."""


def problems_page() -> str:
    """The page as Markdown."""
    said = _said()
    lines = [_line(status, code, kinds, said) for (status, code), kinds in sorted(_codes().items())]
    reasons = [
        f"| `{code}` | {_cell(text.detail)}<br>{_cell(text.detail_zh)} |\n" for code, text in sorted(REASONS.items())
    ]
    return "".join([_HEAD, *lines, _REASONS, *reasons])


def _codes() -> dict[tuple[int, str], list[type[Problem]]]:
    found: dict[tuple[int, str], list[type[Problem]]] = defaultdict(list)
    names = {module.__name__ for module in _modules()}
    for kind in sorted(_all(Problem), key=lambda each: (each.__module__, each.__name__)):
        if kind.__module__ in names:
            found[kind.status, kind.code].append(kind)
    return found


def _all(kind: type[Problem]) -> Iterator[type[Problem]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all(each)


def _line(
    status: int, code: str, kinds: list[type[Problem]], said: Mapping[type[Problem], list[tuple[str, str]]]
) -> str:
    titles = dict.fromkeys(f"{kind.title}<br>{kind.title_zh}" for kind in kinds)
    told = [texts for kind in kinds for texts in (*_remedy(kind), *said.get(kind, ()))]
    texts = dict.fromkeys(f"{_cell(en)}<br>{_cell(zh)}" for en, zh in told)
    shown = [*texts][:_MOST]
    more = ["…"] if len(texts) > _MOST else []
    return f"| {status} | `{code}` | {'<br>'.join(titles)} | {'<br>'.join([*shown, *more])} |\n"


def _remedy(kind: type[Problem]) -> list[tuple[str, str]]:
    return [(kind.remedy, kind.remedy_zh)] if kind.remedy else []


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _said() -> dict[type[Problem], list[tuple[str, str]]]:
    """The two texts of every place that makes a refusal, by its class."""
    found: dict[type[Problem], list[tuple[str, str]]] = defaultdict(list)
    for module in _modules():
        for kind, texts in _of_module(module):
            found[kind].append(texts)
    return found


@cache
def _modules() -> tuple[ModuleType, ...]:
    """Every module that answers requests: the chassis, the services and the gateway among them."""
    roots = [
        importlib.import_module(package) for package in ("creditmesh.chassis", *(s.package for s in NODE.services))
    ]
    names = sorted(
        found.name
        for root in roots
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")
        if ".migrations" not in found.name
    )
    return tuple(importlib.import_module(name) for name in names)


def _of_module(module: ModuleType) -> Iterator[tuple[type[Problem], tuple[str, str]]]:
    for node in ast.parse(inspect.getsource(module)).body if getattr(module, "__file__", None) else ():
        own = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        for call in ast.walk(node):
            kind = _made(call, module, own) if isinstance(call, ast.Call) else None
            texts = _texts(call) if kind is not None and isinstance(call, ast.Call) else None
            if kind is not None and texts is not None:
                yield kind, texts


def _made(call: ast.Call, module: ModuleType, own: object) -> type[Problem] | None:
    """The refusal that a call makes: by its name, or as its own initialiser does."""
    function = call.func
    if isinstance(function, ast.Name):
        made: object = getattr(module, function.id, None)
    elif isinstance(function, ast.Attribute) and function.attr == "__init__":
        made = own
    elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        made = getattr(getattr(module, function.value.id, None), function.attr, None)
    else:
        made = None
    return made if isinstance(made, type) and issubclass(made, Problem) else None


def _texts(call: ast.Call) -> tuple[str, str] | None:
    given = [_text(each) for each in call.args[:2]]
    if len(given) == 2 and all(given):  # noqa: PLR2004 - the two languages
        return str(given[0]), str(given[1])
    return None


def _text(node: ast.expr) -> str | None:
    """A text as it stands in the code, with `…` for what is put in."""
    if isinstance(node, ast.BoolOp):
        return _text(node.values[-1])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values)
    return None
