"""`creditmesh query`: asks about one subject, on a stated ground."""

from typing import Annotated
from uuid import UUID

import typer

from creditmesh.client.cli import given, options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.http import asked as body_of
from creditmesh.schemas.queries import QueryIn

_Matter = Annotated[str | None, typer.Option(help="事项代码（部门）。Code of the matter; of departments.")]
_Given = Annotated[UUID | None, typer.Option(help="授权编号（征信机构）。The authorisation; of bureaus.")]
_Items = Annotated[
    list[str] | None, typer.Option("--item", help="仅查该条目，可多次。This item only; may be repeated.")
]


@asks
def query(
    asked: CommandCall,
    *,
    purpose: options.Purpose,
    code: options.SubjectCode = None,
    subject: options.SubjectFile = None,
    kind: options.Kind = None,
    matter: _Matter = None,
    authorisation: _Given = None,
    officer: options.Officer = None,
    items: _Items = None,
) -> Exit:
    """查询一个主体；当事人可见此次查询。Ask about one subject, who finds the query in their log.

    答复自使用期限之日起不得使用，请重新查询。Nothing of the answer may be used from its `use_until` on: ask again.
    """
    body = body_of(
        QueryIn,
        subject=given.subject(code, subject, kind),
        purpose=purpose,
        matter=matter,
        authorisation=authorisation,
        officer=officer,
        items=tuple(items) if items else None,
    )
    with asked.node() as node:
        answer = node.queries.ask(body)
    show.one(answer, as_json=asked.as_json)
    if answer.marks:
        say.notice(f"Records that are disputed: {len(answer.marks)}.", f"{len(answer.marks)} 条记录有异议标注。")
    return Exit.DONE
