"""What a route's own code reaches: read from its compiled functions, so that no list beside the code can fall behind.

Followed are names of modules, functions and classes, values of tables, and methods by name on the classes that a
function names, is given (by its annotations) or gets from what it calls. That may find a little more than one call
can come to, never what the code does not have; a journey compares it with what routes were seen to answer.
"""

import dis
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from creditmesh.chassis.errors import Problem

_OURS = "creditmesh."
_NAMED = {"LOAD_GLOBAL", "LOAD_NAME"}
_OF_IT = {"LOAD_ATTR", "LOAD_METHOD"}
_IN_A_MATCH = {"LOAD_GLOBAL", "LOAD_ATTR", "BUILD_TUPLE"}


@dataclass(slots=True)
class Reached:
    """The functions that a function may come to, the problems they make, and the texts that stand in them."""

    functions: set[Callable[..., Any]] = field(default_factory=set)
    problems: set[type[Problem]] = field(default_factory=set)

    def texts(self, *, of: str) -> frozenset[object]:
        """The constants of those functions whose modules begin so, and the values of the names they read."""
        return frozenset(
            value
            for function in self.functions
            if function.__module__.startswith(of)
            for value in _texts(function.__code__, function.__globals__)
        )


def reached_from(*beginnings: object) -> Reached:
    """What these functions, and all methods of these classes, may come to."""
    reached = Reached()
    waiting: list[Callable[..., Any]] = []
    for each in beginnings:
        methods = vars(each).values() if isinstance(each, type) else [each]
        waiting += [function for value in methods for function in _functions(value)]
    while waiting:
        function = waiting.pop()
        if function not in reached.functions:
            reached.functions.add(function)
            step = _step(function)
            reached.problems |= step.problems
            waiting += step.functions
    return reached


@functools.cache
def _step(function: Callable[..., Any]) -> Reached:
    """What one function names, without what that comes to."""
    seen = _Named()
    for code in _codes(function.__code__):
        seen.read(code, function.__globals__)
    for cell in function.__closure__ or ():
        with_value = cell.cell_contents if cell != types.CellType() else None
        seen.take(with_value)
    seen.classes |= _annotated(function)
    for called in seen.functions:
        seen.classes |= _annotated(called, only_return=True)
    owner = _owner(function)
    if owner is not None:
        seen.classes.add(owner)
    methods = (
        method
        for known in seen.classes
        for name in seen.attributes
        for method in _functions(inspect.getattr_static(known, name, None))
    )
    return Reached({*seen.functions, *methods}, seen.problems)


@dataclass(slots=True)
class _Named:
    functions: set[Callable[..., Any]] = field(default_factory=set)
    classes: set[type] = field(default_factory=set)
    problems: set[type[Problem]] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def read(self, code: types.CodeType, names: Mapping[str, Any]) -> None:
        """Follow every global name and what is taken from it."""
        instructions = list(dis.get_instructions(code))
        value: object = None
        for place, each in enumerate(instructions):
            if each.opname in _NAMED:
                value = names.get(each.argval)
            elif each.opname in _OF_IT:
                self.attributes.add(each.argval)
                value = getattr(value, each.argval, None) if isinstance(value, types.ModuleType | type) else None
            else:
                continue
            if not _is_caught(instructions[place + 1 :]):
                self.take(value)

    def take(self, value: object) -> None:
        """Something that the function has at hand."""
        if isinstance(value, type) and issubclass(value, Problem):
            self.problems |= {value} - {Problem}
            self.functions |= set(_functions(vars(value).get("__init__")))
        elif isinstance(value, type):
            self._take_class(value)
        elif isinstance(value, dict | list | tuple):
            for each in value.values() if isinstance(value, dict) else value:
                if not isinstance(each, dict | list):
                    self.take(each)
        else:
            self.functions |= set(_functions(value))
            if isinstance(value, Problem):
                self.problems.add(type(value))
            elif _is_ours(type(value)):
                self.classes.add(type(value))

    def _take_class(self, value: type) -> None:
        if _is_ours(value):
            self.classes.add(value)
            for name in ("__init__", "__post_init__", "__enter__", "__aenter__"):
                self.functions |= set(_functions(vars(value).get(name)))


def _is_caught(after: Iterable[dis.Instruction]) -> bool:
    """Whether what was just named is what an `except` catches."""
    return next((each.opname == "CHECK_EXC_MATCH" for each in after if each.opname not in _IN_A_MATCH), False)


def _functions(value: object) -> Iterator[types.FunctionType]:
    """The function of ours behind a value: wrapped, bound, partly given, a property's, or none."""
    if isinstance(value, staticmethod | classmethod | functools.partial):
        value = value.__func__ if isinstance(value, staticmethod | classmethod) else value.func
    elif isinstance(value, property):
        value = value.fget
    elif isinstance(value, types.MethodType):
        value = value.__func__
    value = getattr(value, "__wrapped__", value) if callable(value) else None
    if isinstance(value, types.FunctionType) and value.__module__.startswith(_OURS):
        yield value


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _codes(each)


def _texts(code: types.CodeType, names: Mapping[str, Any]) -> Iterator[object]:
    for each in _codes(code):
        for constant in each.co_consts:  # the names of a dict of constants are one tuple
            yield from constant if isinstance(constant, tuple) else (constant,)
        yield from (names[name] for name in each.co_names if isinstance(names.get(name), str))


def _owner(function: Callable[..., Any]) -> type | None:
    """The class that a method stands in."""
    *path, _ = function.__qualname__.split(".")
    found: object = inspect.getmodule(function)
    for name in path:
        found = getattr(found, name, None)
    return found if isinstance(found, type) else None


def _annotated(function: Callable[..., Any], *, only_return: bool = False) -> set[type]:
    """The classes of ours among the annotations of a function."""
    try:
        said = typing.get_type_hints(function)
    except (NameError, TypeError):
        said = {}
    return {each for name, hint in said.items() if name == "return" or not only_return for each in _classes(hint)}


def _classes(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and _is_ours(hint):
        yield hint
    for each in typing.get_args(hint):
        yield from _classes(each)


def _is_ours(value: type) -> bool:
    return value.__module__.startswith(_OURS)
