"""`creditmesh submit FILE`: sends a file of records and says what became of every row."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from creditmesh.client.cli import options, say
from creditmesh.client.cli.asking import CommandCall, resumes
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.progress import bars
from creditmesh.client.cli.resume import Resume, beside
from creditmesh.client.cli.tally import Tally
from creditmesh.client.cli.writing import save, written
from creditmesh.client.errors import ProblemError, Unsendable
from creditmesh.client.fitting import fitting
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
    url: str
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


@resumes
def submit(
    asked: CommandCall,
    file: options.File,
    *,
    item: options.Item = None,
    charset: options.Charset = None,
    lane: Annotated[Lane, typer.Option(help="backfill：历史数据，让位于 live。History gives way.")] = Lane.LIVE,
    dry_run: options.DryRun = False,
    verdicts: options.Verdicts = None,
    no_save: options.NoSave = False,
    resume: options.Resume = None,
) -> Exit:
    """报送文件并逐行给出结果。Send a file of records; say what became of each row.

    未指明条目时按表头查找。The item is found from the header where it is not said and only one fits.

    有行被拒绝则退出码为 1；待审核、历史内容、已撤销记录的行另有提示。The exit code is 1 where rows were refused; rows
    that are held, repeat an earlier content, or are of records that have ended are told beside.

    中断后重新运行同一命令即可续传。After a break, run the same command again: it goes on where it stood.
    """
    with asked.node() as node:
        order = SubmitCommand(
            file=file,
            item=item or _found(node, file, asked.target.party, charset),
            url=node.url,
            charset=charset,
            lane=lane,
            dry_run=dry_run,
            verdicts=verdicts,
            resume=resume,
            save=not (no_save or dry_run),
            as_json=asked.as_json,
        )
        return _run(node, order)


def _found(node: Node, file: Path, party: str | None, charset: str | None) -> str:
    """The one item that the file is of, among those that the caller may submit, as far as that is known here."""
    duties = next((set(each.duties) for each in node.catalogue.parties() if each.code == party), None)
    items = (node.catalogue.item(entry.code) for entry in node.catalogue.items())
    fits = fitting(file, (each for each in items if duties is None or duties & set(each.duties)), charset=charset)
    if len(fits) != 1:
        names = ", ".join(each.code for each in fits)
        why = f"the header fits several: {names}" if fits else "the header fits none of them"
        why_zh = f"表头与多个条目相符：{names}" if fits else "表头与各条目均不相符"
        raise Unsendable(f"Say which item it is, --item CODE: {why}.", f"请用 --item 指明条目：{why_zh}。")
    (only,) = fits
    say.notice(f"Item: {only.code} ({only.name}).", f"条目：{only.name_zh}（{only.code}）。")
    return only.code


def _run(node: Node, order: SubmitCommand) -> Exit:
    tally = Tally()
    verdicts = nullcontext() if order.verdicts is None else written(order.verdicts)
    with verdicts as out:
        upload = node.records.upload(order.file, item=order.item, charset=order.charset)
        idempotency_key, state = _resume(order, upload)
        submission = node.records.submit_file(
            upload, item=order.item, lane=order.lane.value, dry_run=order.dry_run, idempotency_key=idempotency_key
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
    """The Idempotency-Key to send under, and the file that remembers it, if there is one."""
    parts = (upload.digest, order.item, order.url, order.lane, str(order.dry_run), upload.content_type)
    state = beside(order.base, ".resume.json")
    resume, begun = Resume.of(state, file=order.file, parts=parts)
    if order.resume is not None:
        return order.resume, None
    if begun:
        say.notice("Going on with a submission that was broken off.", "继续此前中断的报送。")
    elif order.save:
        resume.write(state)
    return resume.idempotency_key, state if begun or order.save else None


_NOTICES = {
    "superseded": (
        "Rows that say what records said before: {count:,}; the newer stays. To go back: creditmesh records correct.",
        "{count:,} 行为记录的历史内容，现以较新版本为准；如确需恢复，请办理更正：creditmesh records correct。",
    ),
    "record_ended": (
        "Rows of records withdrawn, repaired or erased: {count:,}; these stay so. Leave them out of the export.",
        "{count:,} 行对应的记录已撤销、修复或依法删除，维持现状；请在导出时剔除。",
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
    """Each receipt in a file of its own, named after its submission: that of last night stays."""
    kept = []
    for receipt in receipts:
        submission = said(Receipt, receipt).submission
        place = beside(base, f".{submission}.receipt.json")
        try:
            save(place, receipt.model_dump_json(indent=1).encode() + b"\n")
        except Unsendable as error:
            again = f"creditmesh submissions receipt {submission}"
            say.notice(f"{error.detail} The receipt stays: {again}", f"{error.detail_zh}回执可再次获取：{again}")
        else:
            kept.append(place)
    return kept


def _tell(order: SubmitCommand, tally: Tally, receipts: Sequence[SignedText], kept: Sequence[Path]) -> None:
    if order.as_json:
        document = tally.document() | {
            "dry_run": order.dry_run,
            "receipts": [said(Receipt, receipt).model_dump(mode="json") for receipt in receipts],
            "item": order.item,
            "receipt_files": [say.printable(str(place)) for place in kept],
            "verdicts": None if order.verdicts is None else say.printable(str(order.verdicts)),
        }
        say.document(document)
    else:
        for notice in tally.notices:
            say.notice(notice.detail, notice.detail_zh)
        for table in tally.tables():
            say.table(table)
        for place in kept:
            say.answers.print(f"回执 receipt: {say.printable(str(place))}")
    _tell_beside(order, tally)


def _tell_beside(order: SubmitCommand, tally: Tally) -> None:
    """What is nothing to mend, with its own counts."""
    if order.dry_run:
        say.notice("A dry run: nothing was stored.", "试运行：未保存任何数据。")
    for code, count in tally.noticed.items():
        say.notice(*(text.format(count=count) for text in _NOTICES[code]))
    if tally.counts["held"]:
        say.notice(
            f"Rows that are held until an officer decides: {tally.counts['held']:,}; do not send them again.",
            f"{tally.counts['held']:,} 行待审核；请勿重复报送。",
        )
