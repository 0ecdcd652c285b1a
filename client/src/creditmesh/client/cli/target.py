"""Which node, and as whom: from options, the environment, a key file, a profile, or the running sandbox."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import typer
from pydantic import BaseModel, ValidationError

from creditmesh.client.cli import profiles, say
from creditmesh.client.cli.say import notice
from creditmesh.client.errors import Unsendable
from creditmesh.client.http import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """What options, environment and profile say of the node and the credential."""

    node: str | None = None
    key: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    profile: str | None = None
    sandbox: str | None = None
    sandbox_file: Path = Path("var/sandbox.json")
    on_command_line: frozenset[str] = frozenset()
    """Which of these stand there; the others come from the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address and a credential."""

    url: str
    key: str | None = field(repr=False)
    party: str | None = None
    """Whose credential it is, where that is known here."""


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


def target_of(place: TargetOptions) -> Target:
    """The one node that is meant, whole from one source: a sandbox, a profile, or an address with its key.

    Unsendable names the option that is missing or too many: a key of one place is never sent to another.
    """
    return _target(place, key_needed=True)


def open_target_of(place: TargetOptions) -> Target:
    """The node for what is open to all: no key is sent there, also where one is at hand."""
    found = _target(place, key_needed=False)
    return Target(url=found.url, key=None, party=found.party)


def _target(place: TargetOptions, *, key_needed: bool) -> Target:
    if place.sandbox is not None:
        return _in_sandbox(place.sandbox, place.sandbox_file)
    if (name := _profile_meant(place)) is not None:
        kept = profiles.read(name)
        return Target(url=kept.url, key=kept.key, party=kept.party)
    key = _key(place) if key_needed else None
    if place.node is None or (key is None and key_needed):
        raise Unsendable(
            "Say which node and as whom: --node URL with --key-file FILE, CREDITMESH_URL with CREDITMESH_KEY (which "
            "counts for that address alone), --profile NAME, or --sandbox NAME.",
            "请指明节点和凭证：--node URL 与 --key-file 文件，或环境变量 CREDITMESH_URL 与 CREDITMESH_KEY"
            "（该密钥仅用于该地址），或 --profile NAME，或 --sandbox NAME。",
        )
    warn_in_clear(place.node)
    return Target(url=place.node, key=key)


def _key(place: TargetOptions) -> str | None:
    """The key of the address: one of the environment is of the environment's address, and of no other."""
    if place.key_file is not None:
        return key_in(place.key_file)
    return None if "node" in place.on_command_line and "key" not in place.on_command_line else place.key


def _profile_meant(place: TargetOptions) -> str | None:
    """The profile that is named, or the one in use where no address and no key is said anywhere."""
    beside = {"node", "key", "key_file"}
    if place.profile is None:
        return None if place.node or place.key or place.key_file else profiles.in_use()
    if place.on_command_line & beside and "profile" not in place.on_command_line:
        return None
    if place.on_command_line & beside or ("profile" not in place.on_command_line and (place.node or place.key)):
        raise Unsendable(
            "A profile is named, and an address or a key beside it (option or environment); say one of them.",
            "既指明了配置，又另有节点地址或密钥（选项或环境变量）；请只保留其一。",
        )
    return place.profile


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
            return Target(url=sandbox.nodes[caller.node].url, key=caller.token, party=caller.party)
    names = ", ".join(caller.name for caller in sandbox.callers)
    raise Unsendable(f"The sandbox has no caller {name!r}; it has: {names}.", f"沙箱中没有 {name!r}；可用：{names}。")


def key_in(file: Path) -> str:
    """The key in the first line of a file, or of standard input (`-`)."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
        return text.strip().splitlines()[0].strip()
    except (OSError, ValueError, IndexError):
        name = say.printable(str(file))
        raise Unsendable(f"{name}: no key can be read there.", f"{name}：无法读取密钥。") from None


def warn_in_clear(node: str) -> None:
    """Say so where what is sent to this address can be read on its way."""
    try:
        url = httpx.URL(node)
    except httpx.InvalidURL:
        return
    if url.scheme == "http" and not is_loopback(url):
        notice(
            "This address is not encrypted (http): the key and the rows travel in clear. Use https.",
            "该地址未加密（http）：密钥和数据将以明文传输。请使用 https。",
        )
