"""What is stated of law is stated by who sends it: no body and no function of the client says it for them."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

import creditmesh.client
import creditmesh.schemas
from creditmesh.schemas.bodies import In

for package in (creditmesh.schemas, creditmesh.client):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith((".generate", ".__main__")):
            importlib.import_module(module.name)


def bodies(kind: type[BaseModel] = In) -> Iterator[type[BaseModel]]:
    for each in kind.__subclasses__():
        yield each
        yield from bodies(each)


def is_a_word(annotation: Any) -> bool:
    """Whether the value is one of a closed list of words."""
    if get_origin(annotation) is Annotated:
        return is_a_word(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return all(isinstance(each, str) for each in get_args(annotation))
    if isinstance(annotation, type):
        return issubclass(annotation, Enum)
    return any(is_a_word(each) for each in get_args(annotation) if each is not type(None))


_FIELDS = [field for body in bodies() for field in body.model_fields.items()]
WORDS = {name for name, field in _FIELDS if is_a_word(field.annotation)} - {"state"}
"""Names of what a body states by a word: a reason, a ground, a remedy. A state is looked for, not stated."""


def test_no_body_states_by_itself_why_something_is_done():
    assert {"reason", "ground", "remedy", "outcome", "kind", "decision"} <= WORDS
    said = {
        f"{body.__name__}.{name}={field.default}"
        for body in bodies()
        for name, field in body.model_fields.items()
        if is_a_word(field.annotation) and isinstance(field.default, str)
    }
    assert said == set()


def test_no_function_of_the_client_states_it_for_its_caller():
    said = set()
    for name, module in inspect.getmembers(creditmesh.client, inspect.ismodule):
        for _, each in inspect.getmembers(module):
            held = inspect.getmembers(each, inspect.isfunction) if inspect.isclass(each) else []
            functions = [each] if inspect.isfunction(each) else [function for _, function in held]
            said |= {
                f"{name}.{function.__qualname__}.{parameter.name}={parameter.default}"
                for function in functions
                for parameter in inspect.signature(function).parameters.values()
                if parameter.name in WORDS and isinstance(parameter.default, str)
            }
    assert said == set()
