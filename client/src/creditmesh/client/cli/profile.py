"""`creditmesh profile`: keeps addresses and keys under names."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError

from creditmesh.client.cli import options, profiles, say, show
from creditmesh.client.cli.exits import Exit, concluded
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.profiles import Profile, Profiles
from creditmesh.client.cli.target import key_in, warn_in_clear
from creditmesh.client.errors import Unsendable
from creditmesh.client.node import Node

app = typer.Typer(
    name="profile",
    cls=Group,
    help="按名称保存节点地址和密钥（仅本人可读）。Keep addresses and keys under names, for yourself alone.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="配置名称。Name of the profile.", show_default=False)]
_Url = Annotated[str, typer.Option("--node", help="节点地址。Address of the node.", show_default=False)]
_Party = Annotated[
    str | None,
    typer.Option(help="本单位代码，用于识别文件所属条目。Your party's code, by which the item of a file is found."),
]


class _Listed(BaseModel):
    """A profile without its key."""

    name: str
    url: str
    party: str | None
    used: bool


@app.command("add", cls=Command)
def add(name: Name, *, node: _Url, key_file: options.KeyFile = None, party: _Party = None) -> None:
    """添加或替换配置。Add a profile, or put another in its place.

    密钥来自 --key-file、标准输入或提示输入。Its key comes from --key-file, from standard input, or is asked for.

    首个配置即为默认。The first one is used from now on.
    """

    def work() -> Exit:
        _named(name)
        key = _asked() if key_file is None else key_in(key_file)
        Node(node, key=key).close()  # says so where the address or the key cannot be one
        warn_in_clear(node)
        known = profiles.kept()
        kept = {**known.profiles, name: Profile(url=node, key=key, party=party)}
        profiles.keep(Profiles(used=known.used or name, profiles=kept))
        say.notice(f"Kept in {profiles.place()}.", f"已保存至 {profiles.place()}。")
        return Exit.DONE

    raise typer.Exit(concluded(work))


@app.command("list", cls=Command)
def list_(*, as_json: options.AsJson = False) -> None:
    """列出配置，不显示密钥。List the profiles, without their keys."""

    def work() -> Exit:
        known = profiles.kept()
        listed = (
            _Listed(name=name, url=each.url, party=each.party, used=name == known.used)
            for name, each in sorted(known.profiles.items())
        )
        show.many(listed, ("name", "url", "party", "used"), as_json=as_json)
        return Exit.DONE

    raise typer.Exit(concluded(work, as_json=as_json))


@app.command("use", cls=Command)
def use(name: Name) -> None:
    """设为默认配置。Use this profile where nothing else is said."""

    def work() -> Exit:
        profiles.read(name)
        profiles.keep(profiles.kept().model_copy(update={"used": name}))
        return Exit.DONE

    raise typer.Exit(concluded(work))


@app.command("remove", cls=Command)
def remove(name: Name) -> None:
    """删除配置及其密钥。Remove a profile and its key."""

    def work() -> Exit:
        profiles.read(name)
        known = profiles.kept()
        left = {each: profile for each, profile in known.profiles.items() if each != name}
        profiles.keep(Profiles(used=None if known.used == name else known.used, profiles=left))
        return Exit.DONE

    raise typer.Exit(concluded(work))


def _named(name: str) -> None:
    try:
        TypeAdapter(profiles.Name).validate_python(name)
    except ValidationError:
        raise Unsendable(
            "A profile is named with letters, digits, dots, hyphens and underscores.",
            "配置名称应由字母、数字、点、连字符或下划线组成。",
        ) from None


def _asked() -> str:
    if sys.stdin.isatty():
        asked: str = typer.prompt("密钥 key", hide_input=True, err=True)
        return asked
    return key_in(Path("-"))
