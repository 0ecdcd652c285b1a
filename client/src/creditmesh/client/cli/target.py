"""Which node, and as whom: from options, the environment, a key file, or the running sandbox."""

from dataclasses import dataclass, field
from pathlib import Path

import httpx
import typer
from pydantic import BaseModel, ValidationError

from creditmesh.client.cli.say import notice
from creditmesh.client.errors import Unsendable
from creditmesh.client.http import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address and a credential."""

    url: str
    key: str = field(repr=False)


class _Node(BaseModel):
    url: str


class _Caller(BaseModel):
    name: str
    node: str
    party: str | None = None
    token: str


class _Sandbox(BaseModel):
    nodes: dict[str, _Node]
    callers: list[_Caller]


def warn_of_key(context: typer.Context) -> None:
    """Say so when the key stands on the command line."""
    source = context.get_parameter_source("key")
    if source is not None and source.name == "COMMANDLINE":
        notice(
            "A key on the command line can be read by others on this machine; use CREDITMESH_KEY or --key-file.",
            "命令行中的密钥可能被本机其他用户看到；请使用环境变量 CREDITMESH_KEY 或 --key-file。",
        )


def target_of(
    *, node: str | None, key: str | None, key_file: Path | None, sandbox: str | None, sandbox_file: Path
) -> Target:
    """The one place the options point to; Unsendable names the option that is missing or too many."""
    if sandbox is not None:
        return _in_sandbox(sandbox, sandbox_file)
    if key_file is not None:
        key = _first_line(key_file)
    if node is None or key is None:
        raise Unsendable(
            "Say which node and as whom: --node URL and CREDITMESH_KEY (or --key-file), or --sandbox NAME.",
            "请指明节点和凭证：--node URL 与环境变量 CREDITMESH_KEY（或 --key-file），或 --sandbox NAME。",
        )
    _warn_in_clear(node)
    return Target(url=node, key=key)


def _in_sandbox(name: str, file: Path) -> Target:
    try:
        sandbox = _Sandbox.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise Unsendable(
            f"{file} is not there or not readable; `make run` writes it while a sandbox stands.",
            f"{file} 不存在或无法读取；沙箱运行期间由 `make run` 生成。",
        ) from None
    for caller in sandbox.callers:
        if name in (caller.name, caller.party) and caller.node in sandbox.nodes:
            return Target(url=sandbox.nodes[caller.node].url, key=caller.token)
    names = ", ".join(caller.name for caller in sandbox.callers)
    raise Unsendable(f"The sandbox has no caller {name!r}; it has: {names}.", f"沙箱中没有 {name!r}；可用：{names}。")


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip().splitlines()[0]
    except (OSError, ValueError, IndexError):
        raise Unsendable(f"{file}: no key can be read there.", f"{file}：无法读取密钥。") from None


def _warn_in_clear(node: str) -> None:
    try:
        url = httpx.URL(node)
    except httpx.InvalidURL:
        return
    if url.scheme == "http" and not is_loopback(url):
        notice(
            "This address is not encrypted (http): the key and the rows travel in clear. Use https.",
            "该地址未加密（http）：密钥和数据将以明文传输。请使用 https。",
        )
