"""`creditmesh cases`: objections and repairs, for the subject, the department that has the record, the office."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from creditmesh.client.cli import given, options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.writing import save
from creditmesh.client.errors import ProblemError, Unsendable
from creditmesh.client.http import asked as body_of
from creditmesh.client.listing import Listing
from creditmesh.client.node import Node
from creditmesh.schemas.cases import Action, ActionIn, CaseEntry, CaseIn, EvidenceKind, EvidenceMedia, Remedy, Wanted
from creditmesh.schemas.events.case import CaseKind, CaseState

app = typer.Typer(
    name="cases",
    cls=Group,
    help="异议和修复：提出、办理、查看。Objections and repairs: open, handle, look.",
    no_args_is_help=True,
)
_OfKind = Annotated[CaseKind | None, typer.Option("--kind", help="异议或修复。Objections or repairs.")]
_Kind = Annotated[CaseKind, typer.Option("--kind", help="异议或修复。Objection or repair.", show_default=False)]
_About = Annotated[UUID, typer.Option("--record", help="记录编号。Id of the record.", show_default=False)]
_Statement = Annotated[
    Path,
    typer.Option(help="陈述（UTF-8 文本文件，- 为标准输入）。A text file: what is wrong, or how it was put right."),
]
_Wanted = Annotated[Wanted | None, typer.Option("--wanted", help="诉求。What you ask for.")]
_Step = Annotated[Action, typer.Argument(help="办理步骤。The step to take.", show_default=False)]
_Missing = Annotated[
    list[str] | None,
    typer.Option(
        "--missing", help="所缺材料 proof、commitment 或 statement，可多次。What is missing; may be repeated."
    ),
]
_Remedy = Annotated[Remedy | None, typer.Option(help="异议成立的处理。How an objection is upheld.")]
_False = Annotated[bool, typer.Option("--false-material", help="系以虚假材料取得。It was obtained by false material.")]
_Document = Annotated[Path, typer.Argument(help="PDF、PNG 或 JPEG。The document.", show_default=False)]
_DocumentKind = Annotated[EvidenceKind, typer.Option("--kind", help="材料类型。What it is.", show_default=False)]
_Digest = Annotated[str, typer.Argument(help="材料的摘要。Digest of the document.", show_default=False)]
_File = Annotated[Path, typer.Option("--out", help="写入的文件。The file to write.", show_default=False)]
_BEGINNINGS: tuple[tuple[bytes, EvidenceMedia], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)


@app.command("open", cls=Command)
@asks
def open_(
    asked: CommandCall, *, kind: _Kind, record: _About, statement: _Statement = Path("-"), wanted: _Wanted = None
) -> Exit:
    """提出异议或申请修复（当事人）。File an objection to a record, or apply for its repair; the subject's."""
    body = body_of(CaseIn, kind=kind, record=record, statement=given.text(statement), outcome_wanted=wanted)
    with asked.node() as node:
        show.one(node.cases.file(body), as_json=asked.as_json)
    return Exit.DONE


@app.command("list", cls=Command)
@asks
def list_(
    asked: CommandCall,
    *,
    state: Annotated[CaseState | None, options.STATE] = None,
    kind: _OfKind = None,
    due_before: options.DueBefore = None,
) -> Exit:
    """列出须办理的案件；当事人列出自己的。List the cases to handle; for a subject, their own."""
    columns = ("case", "kind", "state", "item", "filed_on", "due", "overdue")
    with asked.node() as node:
        handled = node.cases.to_handle(state=state, kind=kind, due_before=given.day(due_before))
        show.many(_theirs(node, handled), columns, as_json=asked.as_json)
    return Exit.DONE


def _theirs(node: Node, handled: Listing[CaseEntry]) -> Listing[CaseEntry]:
    """The cases to handle, or their own where the caller is of a kind that handles none."""
    try:
        return handled.begun()
    except ProblemError as refused:
        if refused.code != "forbidden":
            raise
        return _own(node, refused)


def _own(node: Node, refused: ProblemError) -> Listing[CaseEntry]:
    """The caller's own cases; whoever may see none of either kind is told why of those to handle."""
    try:
        return node.me.cases().begun()
    except ProblemError as nobody:
        raise refused if nobody.code == "forbidden" else nobody from None


@app.command("show", cls=Command)
@asks
def show_case(asked: CommandCall, case: options.Case) -> Exit:
    """查看案件；当事人可见此次查看。Show a case whole; whom it concerns sees that it was read."""
    with asked.node() as node:
        show.one(node.cases.read(case), as_json=asked.as_json)
    return Exit.DONE


@app.command("act", cls=Command)
@asks
def act(
    asked: CommandCall,
    case: options.Case,
    action: _Step,
    *,
    reason: options.ReasonFile = None,
    basis: options.Basis = None,
    missing: _Missing = None,
    remedy: _Remedy = None,
    false_material: _False = False,
) -> Exit:
    """办理案件：受理、退回补正、准予、不予办理、复核、撤销。Take a step in a case as it stands now."""
    body = body_of(
        ActionIn,
        action=action,
        reason=None if reason is None else given.text(reason),
        basis=basis,
        missing=tuple(missing or ()),
        remedy=remedy,
        false_material=false_material,
    )
    with asked.node() as node:
        show.one(node.cases.act(node.cases.read(case), body), as_json=asked.as_json)
    return Exit.DONE


@app.command("attach", cls=Command)
@asks
def attach(asked: CommandCall, case: options.Case, document: _Document, *, kind: _DocumentKind) -> Exit:
    """补充材料（当事人）。Add a document to one's own case."""
    body = given.content(document)
    media = next((media for beginning, media in _BEGINNINGS if body.startswith(beginning)), None)
    if media is None:
        name = say.printable(str(document))
        raise Unsendable(f"{name}: send a PDF, PNG or JPEG.", f"{name}：请使用 PDF、PNG 或 JPEG。")
    with asked.node() as node:
        show.one(node.cases.add_evidence(case, body, kind=kind, media_type=media), as_json=asked.as_json)
    return Exit.DONE


@app.command("document", cls=Command)
@asks
def document(asked: CommandCall, case: options.Case, digest: _Digest, *, out: _File) -> Exit:
    """取出一份材料。Save one document of a case, for yourself alone."""
    with asked.node() as node:
        save(out, node.cases.evidence(case, digest), private=True)
    say.answers.print(say.printable(str(out)))
    return Exit.DONE


@app.command("certificate", cls=Command)
@asks
def certificate(asked: CommandCall, case: options.Case, *, out: options.Out = None) -> Exit:
    """同步更新证明，可用 verify 核验。Who knows of what the case changed, as `creditmesh verify` takes it."""
    with asked.node() as node:
        show.signed(node.cases.certificate(case), out)
    return Exit.DONE
