"""`creditmesh records`: a department's own records, one at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from creditmesh.client.cli import given, options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.errors import Unsendable
from creditmesh.client.http import asked as body_of
from creditmesh.client.records import CorrectionReason, WithdrawalReason
from creditmesh.schemas.records import CorrectionIn, WithdrawalIn
from creditmesh.schemas.verdicts import Verdict
from creditmesh.schemas.words import RecordState

app = typer.Typer(
    name="records",
    cls=Group,
    help="本单位的记录：查找、查看、更正、撤销。A department's own records: find, look, correct, withdraw.",
    no_args_is_help=True,
)
_Revisions = Annotated[bool, typer.Option("--revisions", help="全部版本。Every revision, oldest first.")]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="字段=值，可多次；敏感值请用 --fields。CODE=VALUE; sensitive ones with --fields."),
]
_Unset = Annotated[list[str] | None, typer.Option("--unset", help="清空该字段，可多次。Take this field away.")]
_Fields = Annotated[
    Path | None,
    typer.Option(
        help="字段的 JSON 对象，- 为标准输入；在原内容上替换。A JSON object of fields to replace; - is stdin."
    ),
]
_Whole = Annotated[bool, typer.Option("--whole", help="--fields 即全部内容。--fields is the whole content.")]
_WhyCorrected = Annotated[
    CorrectionReason, typer.Option("--reason", help="更正原因。Why it changes.", show_default=False)
]
_WhyEnded = Annotated[WithdrawalReason, typer.Option("--reason", help="撤销原因。Why it ends.", show_default=False)]


_Number = Annotated[str | None, typer.Option("--number", help="文书号。Number of the document.")]
_Issuer = Annotated[str | None, typer.Option("--issuer", help="决定机关的统一社会信用代码。Code of the issuing body.")]


@app.command("find", cls=Command)
@asks
def find(
    asked: CommandCall,
    *,
    number: _Number = None,
    issuer: _Issuer = None,
    code: options.SubjectCode = None,
    subject: options.SubjectFile = None,
    kind: options.Kind = None,
    item: options.OfItem = None,
    state: Annotated[RecordState | None, options.STATE] = None,
    since: options.Since = None,
    until: options.Until = None,
) -> Exit:
    """按文书号、主体、日期或状态查找本单位的记录。Find your own records by document number, subject, day or state.

    涉及的当事人可见此次查找。Who is named, or has that document, finds the look in their log.
    """
    who = None if code is None and subject is None else given.subject(code, subject, kind)
    with asked.node() as node:
        found = node.records.find(
            number=number,
            issuer=issuer,
            subject=who,
            item=item,
            state=state,
            since=given.day(since),
            until=given.day(until),
        )
        show.many(
            found, ("record", "rev", "item", "state", "issuer", "decided_on", "accepted_on"), as_json=asked.as_json
        )
    return Exit.DONE


@app.command("show", cls=Command)
@asks
def show_record(asked: CommandCall, record: options.Record, *, revisions: _Revisions = False) -> Exit:
    """查看记录；当事人可见此次查看。Show a record as it stands; whom it concerns sees that it was read."""
    with asked.node() as node:
        for each in node.records.revisions(record) if revisions else [node.records.read(record)]:
            show.one(each, as_json=asked.as_json)
    return Exit.DONE


@app.command("correct", cls=Command)
@asks
def correct(
    asked: CommandCall,
    record: options.Record,
    *,
    changed: _Set = None,
    removed: _Unset = None,
    fields: _Fields = None,
    whole: _Whole = False,
    reason: _WhyCorrected,
    basis: options.Basis = None,
    rev: options.Rev = None,
) -> Exit:
    """更正记录。Correct a record: the fields that are given take the place of those that stand.

    记录在此期间已变动则不更正（412）。Nothing is changed where the record has changed meanwhile (412).
    """
    new = ({} if fields is None else given.fields(fields)) | _pairs(changed or ())
    if not new and not removed:
        raise Unsendable(
            "Say what changes: --set, --unset or --fields.", "请指明更正内容：--set、--unset 或 --fields。"
        )
    with asked.node() as node:
        standing = None if whole and rev is not None else node.records.read(record)
        before = {} if whole or standing is None else standing.fields
        content = {code: value for code, value in (before | new).items() if code not in (removed or ())}
        body = body_of(CorrectionIn, fields=content, reason=reason, basis=basis)
        at = rev if rev is not None or standing is None else standing.rev
        verdict = node.records.correct(record, body.fields, rev=at or 0, reason=body.reason, basis=body.basis)
    show.one(verdict, as_json=asked.as_json)
    return judged(verdict)


@app.command("withdraw", cls=Command)
@asks
def withdraw(
    asked: CommandCall,
    record: options.Record,
    *,
    reason: _WhyEnded,
    basis: options.Basis = None,
    rev: options.Rev = None,
) -> Exit:
    """撤销记录：自此不再展示和使用。End a record: from now on it is shown and used nowhere."""
    body = body_of(WithdrawalIn, reason=reason, basis=basis)
    with asked.node() as node:
        at = node.records.read(record).rev if rev is None else rev
        ended = node.records.withdraw(record, rev=at, reason=body.reason, basis=body.basis)
    show.one(ended, as_json=asked.as_json)
    return Exit.DONE


def judged(verdict: Verdict) -> Exit:
    """The exit code of one verdict, and a notice where it waits."""
    if verdict.verdict == "held":
        say.notice("Held until an officer decides; do not send it again.", "待审核；请勿重复报送。")
    return Exit.REFUSED if verdict.verdict == "refused" else Exit.DONE


def _pairs(texts: Sequence[str]) -> dict[str, JsonValue]:
    pairs: dict[str, JsonValue] = {}
    for text in texts:
        code, equals, value = text.partition("=")
        if not equals or not code.strip():
            raise Unsendable("--set: write CODE=VALUE.", "--set：请写作 字段代码=值。")
        pairs[code.strip()] = value
    return pairs
