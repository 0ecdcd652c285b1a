"""Writes `docs/reference`: the node's OpenAPI documents, its problems, and its settings with what is said of them.

`python -m creditmesh.node.reference [folder]`. What is committed there is checked against this by a test.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_json

from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.documents import operators_document
from creditmesh.chassis.settings import EmbeddedBusSettings, KafkaBusSettings, NodeSettings
from creditmesh.gateway.openapi import document as outside
from creditmesh.node.declaration import NODE
from creditmesh.node.problem_codes import problems_page

FOLDER = Path(__file__).parents[4] / "docs" / "reference"
"""The folder in the source tree."""
_CITY = Facts(code="city", tier="city", parts=12, sandbox=True)
_HEAD = """# Settings

Every setting of a node's processes is an environment variable. This page is written from the classes in
`creditmesh.chassis.settings` by `python -m creditmesh.node.reference`.
"""


def openapi() -> Mapping[str, Any]:
    """The document that a city node serves at `/openapi.json`."""
    return outside(NODE.services, _CITY)


def operators_openapi() -> Mapping[str, Any]:
    """The document that a city node in one process serves at `/openapi.json` of its second listener."""
    return operators_document(NODE.services, code=_CITY.code)


def settings() -> str:
    """The settings as Markdown: a table for the process, one for each bus."""
    parts = [_HEAD, *_table("The process", NodeSettings, "CREDITMESH_")]
    for bus in (EmbeddedBusSettings, KafkaBusSettings):
        parts += _table(f"`CREDITMESH_BUS__KIND={bus.model_fields['kind'].default}`", bus, "CREDITMESH_BUS__")
    return "\n".join(parts)


def write(folder: Path) -> None:
    """Write all of them into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in (("openapi", openapi()), ("openapi-operator", operators_openapi())):
        described = json.dumps(document, ensure_ascii=False, indent=1)
        (folder / f"{name}.json").write_text(described + "\n", encoding="utf-8")
    (folder / "problems.md").write_text(problems_page(), encoding="utf-8")
    (folder / "settings.md").write_text(settings(), encoding="utf-8")


def _table(title: str, model: type[BaseModel], prefix: str) -> Iterator[str]:
    about = " ".join((model.__doc__ or "").split())
    yield f"## {title}\n\n{about}\n\n| variable | type | default | what it is |\n|---|---|---|---|"
    for name, field in model.model_fields.items():
        said = " ".join((field.description or "").split())
        said += "".join(f" `{prefix}{name.upper()}='{example}'`" for example in field.examples or ())
        yield f"| `{prefix}{name.upper()}` | {_kind(field.annotation)} | {_default(field)} | {said} |"
    yield ""


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is dict:
        return "JSON object"
    if get_origin(annotation) is tuple:
        return "JSON list"
    words = [_kind(part) for part in get_args(annotation) if part is not type(None)]
    if words:
        return " or ".join(dict.fromkeys(words))
    if isinstance(annotation, type):
        return "JSON object" if issubclass(annotation, BaseModel) else _WORDS.get(annotation, annotation.__name__)
    return f"`{annotation}`"


_WORDS: dict[type, str] = {str: "text", int: "number", float: "number", bool: "true or false", Path: "path"}


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be given"
    if field.default is None:
        return "none"
    shown = field.default if isinstance(field.default, str | Path) else to_json(field.default).decode()
    return f"`{shown}`"


def main() -> None:
    """Write into the folder the command line names, by default the one in the source tree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
