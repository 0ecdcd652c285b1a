"""A description for each property of a model and each parameter: its own text, or what its name always means here."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from creditmesh.schemas.parameter_examples import SHOWN
from creditmesh.schemas.parameter_texts import PARAMETERS
from creditmesh.schemas.property_texts import WORDS

_OURS = "creditmesh."
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9._-]")


def describe(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Give every property of these schemas, which are named as their models, what it is."""
    known = models()
    for name, schema in schemas.items():
        for field, said in schema.get("properties", {}).items():
            text = _of_field(known.get(name), field) or WORDS.get(f"{name}.{field}") or WORDS.get(field)
            if text:
                said.setdefault("description", text)


def describe_parameters(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Give every parameter of these operations what it is, where its route does not say it."""
    for path, operations in paths.items():
        for operation in operations.values():
            for said in operation.get("parameters", ()):
                own = said.get("description") or said.get("schema", {}).get("description")
                text = own or PARAMETERS.get(f"{path}:{said['name']}") or PARAMETERS.get(said["name"])
                if text:
                    said["description"] = text


def show_parameters(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Give every parameter of these operations an example.

    Of one that may be left out it stands in the schema, for a viewer sends the others as they are shown.
    """
    for path, operations in paths.items():
        for operation in operations.values():
            for said in operation.get("parameters", ()):
                shown = SHOWN.get(f"{path}:{said['name']}", SHOWN.get(said["name"]))
                if shown is not None and said.get("required"):
                    said["example"] = shown
                elif shown is not None:
                    said["schema"] = {**said["schema"], "examples": [shown]}


def models() -> dict[str, type[BaseModel]]:
    """Every model of ours by its name in a document."""
    ours = (model for model in _all(BaseModel) if model.__module__.startswith(_OURS))
    return {_NOT_IN_A_NAME.sub("_", model.__name__): model for model in ours}


def _all(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in model.__subclasses__():
        yield each
        yield from _all(each)


def _of_field(model: type[BaseModel] | None, name: str) -> str | None:
    """The text under the field, in the model or where it has it from."""
    for each in model.__mro__ if model is not None else ():
        if text := _texts(each.__module__).get(each.__name__.partition("[")[0], {}).get(name):
            return text
    return None


@cache
def _texts(module: str) -> Mapping[str, Mapping[str, str]]:
    """The texts under the fields of each class of a module of ours, by class and field.

    They are read here and not by each model as it is made, which would cost every command a fifth of a second.
    """
    if not module.startswith(_OURS):
        return {}
    source = inspect.getsource(sys.modules[module])
    return {node.name: dict(_of_class(node)) for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            text = after.value
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield field.target.id, inspect.cleandoc(text.value)
