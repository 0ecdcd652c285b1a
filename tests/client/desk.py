"""Whoever sits at a desk with the `creditmesh` command: one call of it, as that caller, and what it said."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from creditmesh.client.cli import app
from tests.support.cast import Cast


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """Its one JSON document."""
        read: dict[str, Any] = json.loads(self.stdout)
        return read

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its NDJSON."""
        return [json.loads(line) for line in self.stdout.splitlines()]


@dataclass(frozen=True)
class Desk:
    """A node's address, and who may call."""

    url: str
    cast: Cast

    async def does(self, who: str | None, line: str, *more: object, stdin: str | None = None, ends: int = 0) -> Said:
        """A command line, as this caller; it must end so. `--json` is the caller's own choice."""
        env = {"CREDITMESH_URL": self.url, "CREDITMESH_KEY": self.cast.tokens[who] if who else ""}
        arguments = [*line.split(), *map(str, more)]
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments, input=stdin, env=env, catch_exceptions=False)
        assert done.exit_code == ends, (arguments, done.stdout, done.stderr)
        await self.cast.node.settled()
        return Said(done.stdout, done.stderr)
