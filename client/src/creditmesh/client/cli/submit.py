"""`creditmesh submit FILE`: sends a file of records and says what became of every row."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from creditmesh.client.cli import options, say
from creditmesh.client.cli.exits import Exit, concluded
from creditmesh.client.cli.progress import bars
from creditmesh.client.cli.resume import Resume, beside
from creditmesh.client.cli.tally import Tally
from creditmesh.client.cli.target import Target, target_of, warn_of_key
from creditmesh.client.cli.writing import written
from creditmesh.client.errors import ProblemError
from creditmesh.client.node import Node
from creditmesh.client.submission import Submission
from creditmesh.client.upload import Upload
from creditmesh.schemas.signed import SignedText, said
from creditmesh.schemas.verdicts import Receipt, Verdict, verdict_line

_STEP = 100


class Lane(StrEnum):
    """Which lane the rows take: backfill gives way to live."""

    LIVE = "live"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitCommand:
    """What the command line asks for."""

    file: Path
    item: str
    target: Target
    charset: str | None
    lane: Lane
    dry_run: bool
    verdicts: Path | None
    resume: str | None
    save: bool
    as_json: bool

    @property
    def base(self) -> Path:
        """What the files we leave are named after, and stand beside."""
        return self.verdicts or self.file


def submit(
    context: typer.Context,
    file: options.File,
    *,
    item: options.Item,
    node: options.NodeUrl = None,
    key: options.Key = None,
    key_file: options.KeyFile = None,
    sandbox: options.Sandbox = None,
    sandbox_file: options.SandboxFile = Path("var/sandbox.json"),
    charset: options.Charset = None,
    lane: Annotated[Lane, typer.Option(help="backfill：历史数据，让位于 live。History gives way.")] = Lane.LIVE,
    dry_run: options.DryRun = False,
    verdicts: options.Verdicts = None,
    no_save: options.NoSave = False,
    resume: options.Resume = None,
    as_json: options.AsJson = False,
) -> None:
    """报送文件并逐行给出结果。Send a file of records; say what became of each row.

    退出码 exit codes: 0 无拒绝（待审核行另有提示）nothing refused, held rows with a notice; 1 有行被拒绝 rows were
    refused; 2 用法或连接错误 usage or connection; 130 中断 interrupted.

    中断后重新运行同一命令即可续传。After a break, run the same command again: it goes on where it stood.
    """
    warn_of_key(context)

    def work() -> Exit:
        target = target_of(node=node, key=key, key_file=key_file, sandbox=sandbox, sandbox_file=sandbox_file)
        return _run(
            SubmitCommand(
                file=file,
                item=item,
                target=target,
                charset=charset,
                lane=lane,
                dry_run=dry_run,
                verdicts=verdicts,
                resume=resume,
                save=not (no_save or dry_run),
                as_json=as_json,
            )
        )

    raise typer.Exit(concluded(work, as_json=as_json))


def _run(order: SubmitCommand) -> Exit:
    tally = Tally()
    verdicts = nullcontext() if order.verdicts is None else written(order.verdicts)
    with Node(order.target.url, key=order.target.key) as node, verdicts as out:
        upload = node.records.upload(order.file, item=order.item, charset=order.charset)
        key, state = _resume(order, upload)
        submission = node.records.submit_file(
            upload, item=order.item, lane=order.lane.value, dry_run=order.dry_run, key=key
        )
        try:
            _follow(submission, tally, out)
        except ProblemError as error:
            if not (error.passing or tally.rows):  # refused whole: nothing is under way
                _forget(state)
            raise
    kept = _keep(submission.receipts, order.base) if order.save else []
    _forget(state)
    _tell(order, tally, submission.receipts, kept)
    return Exit.REFUSED if tally.counts["refused"] else Exit.DONE


def _resume(order: SubmitCommand, upload: Upload) -> tuple[str, Path | None]:
    """The key to send under, and the file that remembers it, if there is one."""
    parts = (upload.digest, order.item, order.target.url, order.lane, str(order.dry_run), upload.content_type)
    state = beside(order.base, ".resume.json")
    resume, begun = Resume.of(state, file=order.file, parts=parts)
    if order.resume is not None:
        return order.resume, None
    if begun:
        say.notice("Going on with a submission that was broken off.", "继续此前中断的报送。")
    elif order.save:
        resume.write(state)
    return resume.key, state if begun or order.save else None


_NOTICES = {
    "superseded": (
        "{count:,} rows say what their records said before; the newer stays. To go back, correct with If-Match.",
        "{count:,} 行为记录的历史内容，现以较新版本为准；如确需恢复，请以带 If-Match 的更正办理。",
    ),
    "record_ended": (
        "{count:,} rows are of records that were withdrawn or repaired: they stay so. Leave them out of the export.",
        "{count:,} 行对应的记录已撤销或已修复，维持现状；请在导出时剔除。",
    ),
}


def _forget(state: Path | None) -> None:
    if state is not None:
        state.unlink(missing_ok=True)


def _follow(submission: Submission, tally: Tally, out: BinaryIO | None) -> None:
    with bars(size=submission.upload.size, rows=submission.upload.rows) as shown:
        submission.sent, submission.waiting = shown.sent, shown.waiting
        for verdict in submission:
            tally.add(verdict)
            if tally.rows % _STEP == 0:
                shown.judged(tally.rows)
            if out is not None:
                out.write(_line(verdict))


def _line(verdict: Verdict) -> bytes:
    return verdict_line(
        verdict.row,
        verdict.verdict,
        item=verdict.item,
        record=verdict.record,
        rev=verdict.rev,
        review=verdict.review,
        reasons=verdict.reasons,
        line=verdict.line,
        notices=verdict.notices,
    )


def _keep(receipts: Sequence[SignedText], base: Path) -> list[Path]:
    kept = []
    for number, receipt in enumerate(receipts, start=1):
        place = beside(base, ".receipt.json" if len(receipts) == 1 else f".receipt-{number}.json")
        try:
            place.write_text(receipt.model_dump_json(indent=1) + "\n", encoding="utf-8")
        except OSError:
            submission = said(Receipt, receipt).submission
            say.notice(
                f"Cannot write {place}; the receipt stays at GET /v1/submissions/{submission}/receipt.",
                f"无法写入 {place}；回执可由 GET /v1/submissions/{submission}/receipt 获取。",
            )
        else:
            kept.append(place)
    return kept


def _tell(order: SubmitCommand, tally: Tally, receipts: Sequence[SignedText], kept: Sequence[Path]) -> None:
    if order.as_json:
        document = tally.document() | {
            "dry_run": order.dry_run,
            "receipts": [said(Receipt, receipt).model_dump(mode="json") for receipt in receipts],
            "receipt_files": [str(place) for place in kept],
            "verdicts": None if order.verdicts is None else str(order.verdicts),
        }
        say.answers.print(json.dumps(document, ensure_ascii=False))
        return
    for notice in tally.notices:
        say.notice(notice.detail, notice.detail_zh)
    say.answers.print(tally.table())
    for place in kept:
        say.answers.print(f"回执 receipt: {place}")
    if order.dry_run:
        say.notice("A dry run: nothing was stored.", "试运行：未保存任何数据。")
    for code, count in tally.noticed.items():
        say.notice(*(text.format(count=count) for text in _NOTICES[code]))
    if tally.counts["held"]:
        say.notice(
            f"{tally.counts['held']:,} rows are held until an officer decides; do not send them again.",
            f"{tally.counts['held']:,} 行待人工审核；请勿重复报送。",
        )
