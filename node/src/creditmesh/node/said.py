"""What the code says where it refuses: codes, and texts in both languages, read at the calls that make them.

A text is as it stands there, with `…` for what is put in when it is said.
"""

import ast
import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import NamedTuple

from creditmesh.node.declaration import NODE

FILLED = "…"
"""What is not known before it is said."""
_NO_CALL = ast.Call(func=ast.Name(id=""), args=[], keywords=[])
Known = Mapping[str, object]
"""What names stand for."""


class WrittenCall(NamedTuple):
    """A call as it is written, in its module, and in the class and the function around it."""

    node: ast.Call
    module: ModuleType
    owner: str | None
    function: ast.FunctionDef | ast.AsyncFunctionDef | None

    @property
    def made(self) -> object:
        """What is called: by its name, by its module's, or as its own initialiser."""
        called = self.node.func
        if isinstance(called, ast.Name):
            return getattr(self.module, called.id, None)
        if not isinstance(called, ast.Attribute):
            return None
        if called.attr == "__init__":
            return getattr(self.module, self.owner or "", None)
        return getattr(getattr(self.module, getattr(called.value, "id", ""), None), called.attr, None)


@cache
def modules() -> tuple[ModuleType, ...]:
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


@cache
def calls() -> tuple[WrittenCall, ...]:
    """Every call in these modules, in their order."""
    return tuple(
        call
        for module in modules()
        if getattr(module, "__file__", None)
        for call in _calls(ast.parse(inspect.getsource(module)), WrittenCall(_NO_CALL, module, None, None))
    )


@cache
def _callers() -> Mapping[int, list[WrittenCall]]:
    found: dict[int, list[WrittenCall]] = defaultdict(list)
    for each in calls():
        found[id(each.made)].append(each)
    return found


def given(call: WrittenCall, names: Sequence[str], bound: Known | None = None) -> Iterator[dict[str, object]]:
    """What a call gives for these parameters of what it calls; of a table it takes from, once for each entry.

    Where nothing is known of it because it hands on parameters of the function around it, that function's calls say it.
    """
    for known in _each_entry(call, _locals(call, bound or {})):
        found = _arguments(call, names, known)
        outer = None if bound is not None or FILLED not in found.values() else _function(call)
        callers = _callers().get(id(outer), []) if outer is not None else []
        for caller in callers:
            for handed in given(caller, [*inspect.signature(outer).parameters] if outer else []):
                yield from given(call, names, handed)
        if not callers:
            yield found


def _calls(node: ast.AST, around: WrittenCall) -> Iterator[WrittenCall]:
    if isinstance(node, ast.ClassDef):
        around = around._replace(owner=node.name)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and around.function is None:
        around = around._replace(function=node)
    elif isinstance(node, ast.Call):
        yield around._replace(node=node)
    for each in ast.iter_child_nodes(node):
        yield from _calls(each, around)


def _function(call: WrittenCall) -> Callable[..., object] | None:
    """The function of a module around the call."""
    name = call.function.name if call.function is not None and call.owner is None else ""
    return getattr(call.module, name, None)


def _each_entry(call: WrittenCall, known: Known) -> Iterator[Known]:
    """What is known, once for each entry of the table that the call takes its texts from."""
    for each in call.node.args:
        table = each.value if isinstance(each, ast.Starred) else None
        if isinstance(table, ast.Subscript) and isinstance(table.slice, ast.Name):
            entries = _value(table.value, known, call.module)
            if isinstance(entries, Mapping):
                yield from ({**known, table.slice.id: key} for key in entries)
                return
    yield known


def _arguments(call: WrittenCall, names: Sequence[str], known: Known) -> dict[str, object]:
    values: list[object] = []
    for each in call.node.args:
        value = _value(each.value if isinstance(each, ast.Starred) else each, known, call.module)
        values += value if isinstance(each, ast.Starred) and isinstance(value, tuple) else [value]
    named = {each.arg: _value(each.value, known, call.module) for each in call.node.keywords if each.arg}
    return dict(zip(names, values, strict=False)) | named


def _locals(call: WrittenCall, bound: Known) -> dict[str, object]:
    """What is known of the names of the function around the call: of one that is given twice, nothing."""
    if call.function is None:
        return dict(bound)
    given_to = (*call.function.args.args, *call.function.args.kwonlyargs)
    known: dict[str, object] = {each.arg: FILLED for each in given_to} | dict(bound)
    for node in ast.walk(call.function):
        if isinstance(node, ast.Assign):
            for name, value in _assigned(node.targets[0], _value(node.value, known, call.module)):
                known[name] = FILLED if name in known else value
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.setdefault(node.id, FILLED)
    return known


def _assigned(target: ast.expr, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        parts = value if isinstance(value, tuple) else (FILLED,) * len(target.elts)
        for each, part in zip(target.elts, parts, strict=True):
            yield from _assigned(each, part)


def _value(node: ast.expr, known: Known, module: ModuleType) -> object:  # noqa: PLR0911 - one for each kind of node
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BoolOp):
        return _value(node.values[-1], known, module)
    if isinstance(node, ast.Tuple):
        return tuple(_value(each, known, module) for each in node.elts)
    if isinstance(node, ast.Name):
        return known.get(node.id, getattr(module, node.id, FILLED))
    if isinstance(node, ast.Subscript):
        table, key = _value(node.value, known, module), _value(node.slice, known, module)
        return table.get(key, FILLED) if isinstance(table, Mapping) else FILLED
    if isinstance(node, ast.JoinedStr):
        return "".join(str(_value(each, known, module)) for each in node.values)
    if isinstance(node, ast.FormattedValue):
        value = _value(node.value, known, module)
        return value if isinstance(value, str) else FILLED
    return FILLED
