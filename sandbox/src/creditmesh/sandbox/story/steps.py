"""How a story is told: steps that check, print and time themselves, and stop at the first check that fails."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from creditmesh.client import ClientError, ProblemError

SECONDS_TO_SEE = 30.0
HELD, FAILED = "√", "×"
"""How a step that holds begins, and one that does not: signs that GBK has too."""


class StoryFailed(Exception):
    """A check of the story did not hold."""


class CheckFailed(Exception):
    """What did not hold, in words."""


class Story:
    """Prints the steps of one story."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str, title_zh: str) -> Iterator[Callable[[str], None]]:
        """One step: what it says is printed below its title. StoryFailed if a check in it failed."""
        self._number += 1
        said: list[str] = []
        began = time.monotonic()
        try:
            with self._console.status(f"{title} / {title_zh}"):
                yield said.append
        except (CheckFailed, ClientError) as error:
            self._line((FAILED, "red"), (title, title_zh), began, said)
            self._console.print(f"      {_words(error)}", style="red")
            raise StoryFailed from error
        self._line((HELD, "green"), (title, title_zh), began, said)

    def end(self) -> None:
        """Say how long it took."""
        self._console.print(f"{self._number} steps, {time.monotonic() - self._began:.1f} s", style="bold")

    def _line(self, sign: tuple[str, str], titles: tuple[str, str], began: float, said: list[str]) -> None:
        title, title_zh = titles
        took = (f"{title_zh}  {time.monotonic() - began:5.2f} s", "dim")
        self._console.print(Text.assemble(sign, f" {self._number:2d} {title} ", took))
        for line in said:
            self._console.print(f"      {line}", style="dim")


def check(holds: object, words: str) -> None:
    """CheckFailed with these words unless it holds."""
    if not holds:
        raise CheckFailed(words)


def eventually(holds: Callable[[], bool], words: str) -> None:
    """Wait until it holds, a few seconds at most: read models follow within moments."""
    end = time.monotonic() + SECONDS_TO_SEE
    while not holds():
        if time.monotonic() > end:
            raise CheckFailed(f"{words} (after {SECONDS_TO_SEE:.0f} s)")
        time.sleep(0.02)


def seconds_until(holds: Callable[[], bool], words: str) -> float:
    """Wait until it holds, like `eventually`; the seconds it took."""
    began = time.monotonic()
    eventually(holds, words)
    return time.monotonic() - began


def refusal(call: Callable[[], object], *, code: str) -> ProblemError:
    """The problem the call is refused with; CheckFailed if it is answered, or refused for another reason."""
    try:
        call()
    except ProblemError as problem:
        check(problem.document.code == code, f"refused with {problem.document.code!r} instead of {code!r}")
        return problem
    raise CheckFailed(f"it was answered instead of refused with {code!r}")


def _words(error: Exception) -> str:
    if isinstance(error, ProblemError):
        document = error.document
        fields = "; ".join(f"{each.pointer} {each.code}" for each in document.errors)
        return f"{document.status} {document.code}: {document.detail} {document.detail_zh} {fields}".strip()
    return str(error)
