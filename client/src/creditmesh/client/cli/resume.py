"""Remembers the Idempotency-Key of a submission under way, so that the same command again goes on where it stood.

A small file beside the answers, without any credential. It goes when the submission is done: sending the same file
once more is then a new submission, in which every row is unchanged.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Self

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from creditmesh.client.cli.say import notice, printable
from creditmesh.client.cli.writing import save
from creditmesh.client.errors import Unsendable
from creditmesh.client.http import new_idempotency_key


class Resume(BaseModel):
    """What was being sent, and under which Idempotency-Key."""

    what: str
    """A digest over the file's content, the item, the node and the options: another of these is another submission."""
    idempotency_key: str = Field(validation_alias=AliasChoices("idempotency_key", "key"))
    """A file that an earlier version wrote calls it `key`."""
    file: str

    @classmethod
    def of(cls, at: Path, *, file: Path, parts: tuple[str, ...]) -> tuple[Self, bool]:
        """What to go on with, and whether it was begun before."""
        what = sha256("\n".join(parts).encode()).hexdigest()
        try:
            begun = cls.model_validate_json(at.read_bytes())
            if begun.what == what:
                return begun, True
        except (OSError, ValidationError):
            pass
        return cls(what=what, idempotency_key=new_idempotency_key(), file=printable(file.name)), False

    def write(self, at: Path) -> None:
        """Remember it; where nothing can be written, it is said instead."""
        try:
            save(at, self.model_dump_json(indent=1).encode() + b"\n")
        except Unsendable as error:
            notice(
                f"{error.detail} To go on after a break, add: --resume {self.idempotency_key}",
                f"{error.detail_zh}如中断后需续传，请加参数：--resume {self.idempotency_key}",
            )


def beside(file: Path, suffix: str) -> Path:
    """A file of ours next to a user's, or in the current folder where theirs cannot be written to."""
    folder = file.parent if os.access(file.parent, os.W_OK) else Path.cwd()
    return folder / f"{file.name}{suffix}"
