"""A catalogue as a folder: one YAML file for each object, in a subfolder named for its kind."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from creditmesh.catalogue.errors import UnreadableFolder
from creditmesh.catalogue.objects import CatalogueObject, entry_of
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.findings import of_one_fault, place_of, texts_of
from creditmesh.schemas.problems import FieldError

SUBFOLDERS: dict[str, ObjectKind] = {
    "code_sets": "code_set",
    "rules": "rule",
    "purposes": "purpose",
    "lists": "list",
    "items": "item",
    "measures": "measure",
    "matters": "matter",
    "procedures": "procedure",
    "parties": "party",
}
"""The subfolders, in the order in which their objects are published."""

_QUOTES = (
    "YAML reads it as a number, a date or true/false where text is meant; put the value between quotes.",
    "YAML 将其读作数字、日期或真假值，此处须为文本；请给该值加上引号。",
)


class Misnamed(Exception):
    """A file is not named like the code of its object."""

    def __init__(self, *, file: str, code: str) -> None:
        super().__init__(f"{file} has the object {code}")
        self.said = (
            f"The file is named {file}, its object has the code {code}; name it like its object: {code}.yaml.",
            f"文件名为 {file}，对象代码为 {code}；文件名须与对象代码一致：{code}.yaml。",
        )


class KeyTwice(yaml.YAMLError):
    """A key stands twice in one mapping: YAML's readers keep the last, and what the first said would be gone."""

    def __init__(self, line: int) -> None:
        super().__init__(f"the key of line {line} stands there already")
        self.said = (
            f"Line {line} gives a key that stands there already; keep one.",
            f"第 {line} 行的键重复；请只保留一个。",
        )


class _Loader(yaml.CSafeLoader):
    """The safe loader with the parser of libyaml, for mappings whose keys differ."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set[object]()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise KeyTwice(key.start_mark.line + 1)
            seen.add(name)
        return super().construct_mapping(node, deep)


def shipped() -> Path:
    """The folder of the catalogue that comes with this version, as far as a sandbox's story needs it."""
    return Path(str(files("creditmesh.catalogue"))) / "data"


def further() -> Path:
    """The folder of the rest of it: what a sandbox's story does without."""
    return shipped() / "further"


def whole() -> tuple[CatalogueObject, ...]:
    """All objects of the catalogue that comes with this version, kind by kind."""
    kinds = tuple(SUBFOLDERS.values())
    return tuple(sorted((*read(shipped()), *read(further())), key=lambda entry: kinds.index(entry.kind)))


def places() -> tuple[str, ...]:
    """The places whose own rules come with this version."""
    return tuple(sorted(path.name for path in (shipped() / "places").iterdir()))


def of_place(code: str) -> Path:
    """The folder of the rules of a place. UnreadableFolder names the places that there are."""
    if code not in places():
        raise UnreadableFolder(
            f"No rules of the place {code} are shipped; name one of {', '.join(places())}, or give a folder.",
            f"没有随附 {code} 的地方规则；请使用 {'、'.join(places())} 之一，或给出文件夹。",
        )
    return shipped() / "places" / code


def invented(tier: str) -> Path:
    """The folder of the parties that a sandbox of that tier gets."""
    return shipped() / "sandbox" / tier


def read(folder: Path) -> tuple[CatalogueObject, ...]:
    """All objects of a folder. UnreadableFolder names every file that is none, and what is wrong with it."""
    if not any(map(_is_there, map(folder.joinpath, SUBFOLDERS))):
        raise UnreadableFolder(
            f"None of the subfolders {', '.join(SUBFOLDERS)} is there.", f"缺少子文件夹 {'、'.join(SUBFOLDERS)}。"
        )
    entries: list[CatalogueObject] = []
    errors: list[FieldError] = []
    for name, kind in SUBFOLDERS.items():
        for path in sorted((folder / name).glob("*.yaml")):
            try:
                entries.append(_entry(kind, path))
            except (KeyTwice, Misnamed) as error:
                errors.append(_error(f"/{name}/{path.name}", *error.said))
            except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
                errors.append(_unread(f"/{name}/{path.name}", type(error).__name__))
            except ValidationError as error:
                errors.extend(_errors(f"/{name}/{path.name}", error))
    if errors:
        raise UnreadableFolder("See errors for each file.", "各文件问题见 errors。", errors=errors)
    return tuple(entries)


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:  # a name that no file system takes, or a folder that may not be looked into
        return False


def _entry(kind: ObjectKind, path: Path) -> CatalogueObject:
    entry = entry_of(kind, yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader), unknown="forbid")  # noqa: S506
    if entry.code != path.stem:
        raise Misnamed(file=path.stem, code=entry.code)
    return entry


def _unread(pointer: str, cause: str) -> FieldError:
    return FieldError(
        pointer=pointer,
        code="unreadable",
        detail=f"The file is no YAML in UTF-8 that can be read ({cause}); correct it.",
        detail_zh=f"文件不是可读的 UTF-8 YAML（{cause}），请更正。",
    )


def _errors(pointer: str, error: ValidationError) -> Iterator[FieldError]:
    for found in of_one_fault(error.errors(include_input=False, include_url=False)):
        place = "/".join((pointer, *map(str, place_of(found))))
        yield _error(place, *(_QUOTES if found["type"] == "string_type" else texts_of(found)))


def _error(pointer: str, why: str, why_zh: str) -> FieldError:
    return FieldError(pointer=pointer, code="unreadable", detail=why, detail_zh=why_zh)
