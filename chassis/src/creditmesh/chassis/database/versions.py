"""Versions: which migration every package of a database is at, and whether that is what this program needs.

What is at another than this program's newest is behind; a database that a newer program has changed is left as it is.
"""

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.roles import quoted
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.facts import Facts, WrongNode

_IS_NODE = "select to_regclass('bus.node') is not null"
_NODE = "select code, tier, parts, to_jsonb(n) ->> 'sandbox' as sandbox from bus.node n"
"""A node from before that was kept has no such column: it is what its migration is told."""
_HAS_VERSIONS = "select to_regclass('bus.installed') is not null"
_VERSIONS = "select package, version from bus.installed"
_VERSION = re.compile(r"(\w+?_\d{4})(?:_\w+)?\.py\Z")
"""A migration's file: what it is called, and what it does."""
_NO_VERSION = {"__init__.py"}


class Migrated(Protocol):
    """What migrations need to know of a service; `chassis.service.Service` is one."""

    @property
    def name(self) -> str:
        """The schema, and the second half of the role."""

    @property
    def package(self) -> str:
        """The import name; versions are in `<package>/migrations`, which may be absent."""

    @property
    def vault(self) -> frozenset[str]:
        """Which functions of the vault its role may call: `resolve`, `open`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A `Migrated` by itself."""

    name: str
    package: str
    vault: frozenset[str] = frozenset()


CHASSIS = (
    Package(name="bus", package="creditmesh.chassis.bus"),
    Package(name="vault", package="creditmesh.chassis.vault"),
)
"""What is migrated before every service."""


class Upgraded(NamedTuple):
    """A package that a migration brings from one version to another; None where there is none."""

    package: str
    before: str | None
    after: str | None


async def assert_node(session: Session, expected: Facts, packages: Sequence[Migrated] = ()) -> None:
    """WrongNode, in plain words, unless the database is the node that was expected, at these packages' versions."""
    row = await session.row(_NODE) if await session.value(_IS_NODE) else None
    if row is None:
        raise WrongNode(
            "The database is not a node yet: run `creditmesh-node migrate` first.",
            "数据库尚未建为节点：请先执行 `creditmesh-node migrate`。",
        )
    _assert_same(row, expected)
    for name, found, own in await behind(session, packages):
        raise WrongNode(
            f"The database is older than this program: its schema {name!r} is at migration {found or 'none'}, not at "
            f"{own or 'none'}. Run `creditmesh-node migrate` with this version, or start the version that did.",
            f"数据库版本低于本程序：模式 {name!r} 的迁移为 {found or '无'}，本程序需要 {own or '无'}。"
            "请用本版本执行 `creditmesh-node migrate`，或启动与数据库相符的版本。",
        )


@cache
def head_of(package: str) -> str | None:
    """The newest migration of a package; None where it has none.

    It is read in the names of the files: a process that starts asks for every package, and runs none of them.
    """
    folder = versions_of(package)
    names = [] if folder is None else [path.name for path in folder.glob("*.py") if path.name not in _NO_VERSION]
    return max(map(_named, names), default=None)


def _named(file: str) -> str:
    """The version that a migration's file is. ValueError where its name does not say: nobody would run it."""
    found = _VERSION.match(file)
    if found is None:
        raise ValueError(f"{file} is no migration's name: it is to be PACKAGE_NNNN, or PACKAGE_NNNN_what_it_does")
    return found[1]


def versions_of(package: str) -> Path | None:
    """The folder of a package's migrations; None where it has none."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package!r}")
    folders = (Path(place) / "migrations" for place in spec.submodule_search_locations)
    return next((folder for folder in folders if folder.is_dir()), None)


async def behind(session: Session, packages: Sequence[Migrated]) -> list[Upgraded]:
    """The packages whose newest migration is not the one in the database."""
    rows = await session.fetch(_VERSIONS) if await session.value(_HAS_VERSIONS) else ()
    installed = {row.package: row.version for row in rows}
    older = []
    for package in (*CHASSIS, *packages):
        own, found = head_of(package.package), installed.get(package.name)
        if own != found:
            _assert_known(package, found)
            older.append(Upgraded(package.name, found, own))
    return older


async def is_node(session: Session, expected: Facts, packages: Sequence[Migrated]) -> bool:
    """Whether the database is a node already. WrongNode if it is another's, or a newer program's."""
    if not await session.value(_IS_NODE):
        return False
    for row in await session.fetch(_NODE):
        _assert_same(row, expected)
    await _assert_not_newer(session, packages)
    return True


def _assert_same(row: Row, expected: Facts) -> None:
    sandbox = expected.sandbox if row.sandbox is None else row.sandbox == "true"
    Facts(code=row.code, tier=row.tier, parts=row.parts, sandbox=sandbox).assert_same(expected)


async def _assert_not_newer(session: Session, packages: Sequence[Migrated]) -> None:
    """WrongNode if a newer program has upgraded any of it, to the end or not."""
    for package in (*CHASSIS, *packages):
        _assert_known(package, await version_of(session, package))


async def version_of(session: Session, package: Migrated) -> str | None:
    """At which migration a package's schema is; None before its first."""
    table = f"{quoted(package.name)}.alembic_version"
    if not await session.value("select to_regclass(:table) is not null", {"table": table}):
        return None
    found: str | None = await session.value(f"select version_num from {table}")
    return found


def _assert_known(package: Migrated, found: str | None) -> None:
    own = head_of(package.package)
    if (found or "") > (own or ""):  # versions are numbered in their names
        raise WrongNode(
            f"The database is newer than this program: its schema {package.name!r} is at migration {found}, this "
            f"program knows none beyond {own or 'none'}. Nothing was changed: start that version.",
            f"数据库版本高于本程序：模式 {package.name!r} 的迁移为 {found}，本程序仅到 {own or '无'}。"
            "未作任何更改：请启动与数据库相符的版本。",
        )
