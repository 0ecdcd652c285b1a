"""Writes `schemas/json`: the JSON Schema of every contract model and event type, and the AsyncAPI document.

`python -m creditmesh.schemas.generate [folder]`. What is committed there is checked against this by a test.
"""

import argparse
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import BaseModel

import creditmesh.schemas
from creditmesh.schemas.asyncapi import asyncapi
from creditmesh.schemas.events import EVENTS, Envelope

FOLDER = Path(__file__).parents[3] / "json"
"""The folder in the source tree."""


def documents() -> dict[str, dict[str, Any]]:
    """Every generated document by its file name."""
    found = {f"{_snake(model.__name__)}.json": _schema(_snake(model.__name__), model) for model in _models()}
    for event in EVENTS:
        name = f"{event.type}.v{event.version}"
        found[f"events/{name}.json"] = _schema(name, event)
    found["envelope.json"] = _schema("envelope", Envelope)
    found["asyncapi.json"] = asyncapi()
    return found


def write(folder: Path) -> None:
    """Write every document into the folder and remove what is generated no more."""
    written = {folder / name: document for name, document in documents().items()}
    for path, document in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for left in set(folder.rglob("*.json")) - set(written):
        left.unlink()


def _models() -> Iterator[type[BaseModel]]:
    seen: dict[str, type[BaseModel]] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(creditmesh.schemas.__path__)):
        if module in {"bodies", "directory", "events", "generate", "rules"}:
            continue
        contents = vars(importlib.import_module(f"creditmesh.schemas.{module}"))
        for name, model in sorted(contents.items()):
            if not _is_contract(model, f"creditmesh.schemas.{module}"):
                continue
            if seen.setdefault(name, model) is not model:
                raise ValueError(f"two contract models are called {name}")
            yield model


def _is_contract(found: object, module: str) -> TypeGuard[type[BaseModel]]:
    if not isinstance(found, type) or found.__name__.startswith("_"):
        return False
    if found.__module__ != module and not found.__module__.startswith(f"{module}."):
        return False
    if not issubclass(found, BaseModel):
        return False
    generic = found.__pydantic_generic_metadata__  # a page of something is described where it is answered
    return not generic["parameters"] and generic["origin"] is None


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:creditmesh:schema:{name}",
        **model.model_json_schema(),
    }


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def main() -> None:
    """Write into the folder the command line names, by default the one in the source tree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
