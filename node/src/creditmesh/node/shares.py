"""Each process's own share of the node's secrets: the keys its service declares, its roles, and nothing else."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from creditmesh.chassis.database.roles import BUS, RELAY
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError

OPERATOR = "operator"
"""The secret of a second listener. The relay's shows nothing that asks for it."""


def share_out(settings: NodeSettings, folder: Path) -> list[Path]:
    """Write `<folder>/<process>/secrets` for each service, the gateway and the relay; the folders.

    What stands there of an earlier share and is none now goes. NodeError where the node has no keys or roles yet, or
    where its own secrets stand.
    """
    given = {name: dict(_files(settings, name)) for name in [service.name for service in NODE.services]}
    given[RELAY] = {f"roles/{settings.node}_{RELAY}": _role(settings, RELAY)}
    places = {name: folder / name / "secrets" for name in given}
    if settings.secrets.resolve() in {place.resolve() for place in places.values()}:
        raise NodeError(
            f"a share in {folder} would take the place of the node's own {settings.secrets}: name another folder",
            f"{folder} 中的份额会覆盖节点自身的 {settings.secrets}：请指定其他文件夹",
        )
    return [_written(places[name], files) for name, files in given.items()]


def _files(settings: NodeSettings, name: str) -> Iterator[tuple[str, bytes]]:
    """What the process of that service reads, by its path beneath `secrets`."""
    service = next(each for each in NODE.services if each.name == name)
    keys = settings.secrets / "keys"
    found = [path for key in sorted(service.keys) for path in sorted(keys.glob(f"{key}-*.key"))]
    missing = [key for key in sorted(service.keys) if not any(path.name.startswith(f"{key}-") for path in found)]
    if missing:
        raise NodeError(
            f"no key {', '.join(missing)} in {keys}: run `creditmesh-node keys create`",
            f"{keys} 中没有密钥 {', '.join(missing)}：请执行 `creditmesh-node keys create`",
        )
    for path in (*found, *sorted(keys.glob("*.pub"))):
        yield f"keys/{path.name}", path.read_bytes()
    for role in (name, BUS):
        yield f"roles/{settings.node}_{role}", _role(settings, role)
    yield OPERATOR, (settings.secrets / OPERATOR).read_bytes()


def _role(settings: NodeSettings, role: str) -> bytes:
    path = settings.secrets / "roles" / f"{settings.node}_{role}"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NodeError(
            f"no password for the role of {role} in {path.parent}: migrate first",
            f"{path.parent} 中缺少 {role} 的口令，请先执行 migrate",
        ) from None


def _written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for place in (folder, folder / "keys", folder / "roles"):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        _write(folder / name, content)
    for path in (*folder.glob("keys/*"), *folder.glob("roles/*"), *folder.glob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    return folder


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.making")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
