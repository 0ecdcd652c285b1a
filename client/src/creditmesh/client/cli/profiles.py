"""Profiles: the addresses and keys that a user keeps under names, in one file that nobody else can read."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from creditmesh.client.cli.writing import save
from creditmesh.client.errors import Unsendable
from creditmesh.schemas.variables import Variable

_OTHERS = 0o077
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Profile(BaseModel):
    """One address and the credential for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    key: str = Field(repr=False)
    party: str | None = None


class Profiles(BaseModel):
    """All profiles, and the one that is used where nothing else is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    used: Name | None = None
    profiles: dict[Name, Profile] = {}


def place() -> Path:
    """The file, in the user's configuration folder as the platform has it."""
    return Path(os.environ.get(Variable.PROFILES) or Path(typer.get_app_dir("creditmesh")) / "profiles.json")


def kept() -> Profiles:
    """What is kept; Unsendable where others can read it, or it is not what was written there."""
    file = place()
    try:
        with file.open("rb") as opened:
            if os.name == "posix" and os.fstat(opened.fileno()).st_mode & _OTHERS:
                raise Unsendable(
                    f"{file} has keys in it and others can read it: chmod 600 it, and have the keys changed.",
                    f"{file} 含有密钥且他人可读：请执行 chmod 600，并更换密钥。",
                )
            return Profiles.model_validate_json(opened.read())
    except FileNotFoundError:
        return Profiles()
    except (OSError, ValidationError):
        raise Unsendable(
            f"{file}: no profiles can be read there; put it right, or take it away and add them again.",
            f"{file}：无法读取配置；请修正，或删除后重新添加。",
        ) from None


def keep(profiles: Profiles) -> None:
    """Write them, whole and for their owner alone."""
    file = place()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Unsendable(f"{file.parent}: cannot be made ({why}).", f"{file.parent}：无法创建（{why}）。") from None
    save(file, profiles.model_dump_json(indent=1).encode() + b"\n", private=True)


def read(name: str) -> Profile:
    """One profile; Unsendable, with those that there are, if there is none of this name."""
    profiles = kept().profiles
    if name not in profiles:
        names = ", ".join(sorted(profiles)) or "-"
        raise Unsendable(
            f"There is no such profile; there are: {names}. Add one: creditmesh profile add NAME --node URL",
            f"没有该配置；现有：{names}。添加：creditmesh profile add NAME --node URL",
        )
    return profiles[name]


def in_use() -> str | None:
    """The profile that is used where nothing else is said."""
    return kept().used
