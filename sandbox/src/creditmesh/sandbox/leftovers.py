"""What a sandbox leaves in its folder, and taking it away: what no sandbox made is not touched, nor asked about."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.node import run_files
from creditmesh.node.errors import NodeError
from creditmesh.sandbox import broker
from creditmesh.sandbox.chain import CHAIN
from creditmesh.schemas.identifiers import NodeCode

_MARK = "made-by-a-sandbox"


def servers(state: Path) -> Path:
    """The folder of what the nodes share, their PostgreSQL and their broker, and of what is pulled from them."""
    return state / "sandbox"


def make(state: Path, codes: Sequence[NodeCode]) -> None:
    """The folders of a new sandbox, marked before anything is in them."""
    for folder in (servers(state), *(state / code for code in codes)):
        folder.mkdir(parents=True)
        (folder / _MARK).touch()


def take_away(state: Path) -> None:
    """Take away what a sandbox of before left. NodeError, and all stays, where a node runs or one is another's."""
    found = [folder for folder in (*(state / code for code in CHAIN), servers(state)) if folder.exists()]
    for folder in found:
        _refuse_another(folder)
    for folder in found:
        broker.forget(folder / "kafka")
        if (folder / "postgres").exists():
            asyncio.run(EmbeddedServer(folder / "postgres").remove())
        _remove(folder)


def _remove(folder: Path) -> None:
    """The mark last: what is left where this is broken off is known for a sandbox's at the next start."""
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != _MARK:
            each.unlink()
    shutil.rmtree(folder)


def _is_empty(folder: Path) -> bool:
    """Whether nothing is in it: one that was made, and not marked yet, when a start was broken off."""
    return folder.is_dir() and not any(folder.iterdir())


def _refuse_another(folder: Path) -> None:
    if run_files.read(folder):
        raise NodeError(f"a node is running in {folder}; stop it first", f"{folder} 中已有节点在运行，请先停止")
    database = folder.name in CHAIN and (folder / "postgres").exists()  # a sandbox's nodes share one, elsewhere
    if database or not ((folder / _MARK).exists() or _is_empty(folder)):
        raise NodeError(
            f"{folder} was not made by a sandbox alone, and may be a real node with its keys and data: nothing was "
            "touched. Give the sandbox another folder (--state), or move this one away",
            f"{folder} 并非（或不全是）沙箱所建，可能是含有密钥和数据的真实节点，未作任何改动。请用 --state 为沙箱另选"
            "文件夹，或将该文件夹移走",
        )
