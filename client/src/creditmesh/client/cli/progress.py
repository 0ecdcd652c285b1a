"""Progress bars, on standard error and only where a person watches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from creditmesh.client.cli.say import notices
from creditmesh.client.errors import ClientError


@dataclass(frozen=True, slots=True)
class Bars:
    """Bytes that went out, and rows that were judged."""

    progress: Progress
    upload: TaskID
    verdicts: TaskID

    def sent(self, size: int) -> None:
        """So many bytes of the file have gone out."""
        self.progress.update(self.upload, completed=size // 1024)

    def judged(self, rows: int) -> None:
        """So many rows have a verdict."""
        self.progress.update(self.verdicts, completed=rows)

    def waiting(self, seconds: float, error: ClientError) -> None:
        """The connection is tried again, and why."""
        _say_waiting(self.progress, seconds, error)


@dataclass(frozen=True, slots=True)
class Count:
    """One bar that counts."""

    progress: Progress
    task: TaskID

    def reached(self, done: int) -> None:
        """So many are done; what was thought to be all may have grown."""
        total = self.progress.tasks[0].total
        self.progress.update(self.task, completed=done, total=None if total is None else max(total, done))

    def waiting(self, seconds: float, error: ClientError) -> None:
        """The connection is tried again, and why."""
        _say_waiting(self.progress, seconds, error)


@contextmanager
def bars(*, size: int, rows: int) -> Iterator[Bars]:
    """The bars of one file; `rows` 0 where the number is not known beforehand."""
    with _progress() as progress:
        upload = progress.add_task("上传 upload (KiB)", total=size // 1024)
        verdicts = progress.add_task("结果 verdicts", total=rows or None)
        yield Bars(progress, upload, verdicts)


@contextmanager
def counting(what: str, *, done: int = 0, total: int | None = None) -> Iterator[Count]:
    """One bar; `total` None where the number is not known beforehand."""
    with _progress() as progress:
        yield Count(progress, progress.add_task(what, total=total, completed=done))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=notices, transient=True, disable=not notices.is_terminal)


def _say_waiting(progress: Progress, seconds: float, error: ClientError) -> None:
    progress.console.print(f"{error.detail_zh} {error.detail} ({seconds:.1f} s)", style="yellow")
