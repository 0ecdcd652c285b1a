"""A page of the documentation as a reader pastes it: its fenced blocks in order, into one shell and one Python.

The word behind the fence is the block's language; what follows it is rendered as nothing and says what a test does:
`exits 1` of a single command that ends so, `answer` of what the block before it prints (`…` stands for anything),
`run-by PATH` of what another test takes from here (`run_by`), `not-run: REASON` of what cannot be run beside a sandbox.
"""

import asyncio
import os
import re
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "*/README.md", "*/*/README.md", "docs/*.md", "docs/guide/**/*.md", "docs/runbooks/*.md")
PAGES = sorted(
    path
    for path in {found for place in PLACES for found in ROOT.glob(place)}
    if path.name != "CHANGELOG.md" and not path.relative_to(ROOT).parts[0].startswith(".")
)
"""What is read to be followed: not what a release changed, what was decided, nor what is written from the code."""
RUNNABLE = ("sh", "python", "sql")
LIT = ("text", "json", "yaml")
"""What is looked at; an answer of these is compared."""
_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether a page's own test runs it."""
        return self.language in RUNNABLE and not self.note.startswith(("not-run:", "run-by "))


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order, each as it is typed at the left margin."""
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in _FENCE.finditer(text):
        language, _, note = fence[2].partition(" ")
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(page, line, language, note.strip(), textwrap.dedent(fence[3])))
    return found


def run_by(test: str) -> list[Block]:
    """What pages leave to a test (its `__file__`): it gets all of that, and so cannot miss a block that names it."""
    note = f"run-by {Path(test).resolve().relative_to(ROOT).as_posix()}"
    return [block for page in PAGES for block in blocks(page) if block.note == note]


def without_blocks(page: Path) -> str:
    """The page's prose."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def unfenced(page: Path) -> list[str]:
    """Code that stands in no fence: a paragraph in no list whose first line begins with four blanks."""
    paragraphs = re.split(r"\n(?:[ \t]*\n)+", without_blocks(page))
    return [
        paragraph
        for before, paragraph in pairwise(paragraphs)
        if re.match(r" {4}", paragraph) and not re.match(r"\s*([-*]|\d+\.) ", before.lstrip("\n"))
    ]


def is_answer(shown: str, printed: str) -> bool:
    """Whether what a page shows is what was printed, blanks and line ends apart."""
    wanted = ".*".join(re.escape(re.sub(r"\s", "", piece)) for piece in shown.split("…"))
    return re.fullmatch(wanted, re.sub(r"\s", "", printed), re.DOTALL) is not None


@dataclass
class Reader:
    """Somebody who pastes a page from top to bottom, in one shell that stays."""

    folder: Path
    shell: "subprocess.Popen[bytes]"
    scratch: Path
    printed: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)

    def follow(self, page: Path) -> None:
        """Run what is to be run, and compare what is shown. AssertionError names the block that does not work."""
        last = ""
        for block in blocks(page):
            if block.runs:
                last = getattr(self, f"_{block.language}")(block)
                self.printed.append(last)
            elif block.note == "answer":
                assert is_answer(block.text, last), f"{block} is not what is printed: {last[-3000:]}"

    def _sh(self, block: Block) -> str:
        place = self.scratch / str(block.line)
        place.with_suffix(".sh").write_text(block.text, encoding="utf-8")
        expected = block.note.removeprefix("exits ") if block.note.startswith("exits ") else "0"
        status = self._typed(
            f"set {'-' if expected == '0' else '+'}e; source {place}.sh >{place}.out 2>{place}.err </dev/null"
        )
        printed = place.with_suffix(".out").read_text(encoding="utf-8", errors="replace")
        told = printed + place.with_suffix(".err").read_text(encoding="utf-8", errors="replace")
        assert status == expected, f"{block} ends with {status or 'a command that fails'}: {told[-4000:]}{self._logs()}"
        return printed

    def _logs(self) -> str:
        """The ends of what the page's own nodes log into its folder."""
        return "".join(f"\n{each.name}: {each.read_text()[-2000:]}" for each in self.folder.glob("*.log"))

    def _python(self, block: Block) -> str:
        printed = StringIO()
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        with patch.dict(os.environ, self._environment(), clear=True), chdir(self.folder), redirect_stdout(printed):
            exec(code, self.names)  # noqa: S102 - the lines of our own page
        return printed.getvalue()

    def _sql(self, block: Block) -> str:
        return asyncio.run(_asked(self.folder / "var" / "sandbox" / "postgres", block.text))

    def _typed(self, line: str) -> str:
        """The exit code of a line; empty where the shell ended with it."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{line}; echo $?\n".encode())
        self.shell.stdin.flush()
        return self.shell.stdout.readline().decode().strip()

    def _environment(self) -> Mapping[str, str]:
        place = self.scratch / "environment"
        self._typed(f"env -0 >{place}")
        return dict(each.split("=", 1) for each in place.read_text(encoding="utf-8").split("\0") if "=" in each)


async def _asked(server: Path, statement: str) -> str:
    """What the city's database answers its superuser."""
    session = await connect(EmbeddedServer(server).admin.of("city"), application_name="test")
    try:
        return "\n".join(str(tuple(row)) for row in await session.fetch(statement))
    finally:
        await session.close()


@contextmanager
def reader(folder: Path) -> Iterator[Reader]:
    """A reader in a folder that is like a checkout, who has no settings of their own; what they started ends."""
    with TemporaryDirectory(prefix="creditmesh-reader-") as name:
        own = {each: value for each, value in os.environ.items() if not each.startswith("CREDITMESH_")}
        shell = subprocess.Popen(
            ["/bin/bash", "--norc"],
            cwd=folder,
            env={**own, "HOME": name, "XDG_CONFIG_HOME": name, "COLUMNS": "200"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        made = Reader(folder, shell, Path(name))
        try:
            made._typed("set -o pipefail; trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT")
            yield made
        finally:
            shell.communicate(timeout=300)  # the nodes that the page began end in it
