"""`creditmesh authorisations`: what a subject permits a bureau, and what the bureau has in hand."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from creditmesh.client.cli import given, options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.writing import save
from creditmesh.client.http import asked as body_of
from creditmesh.schemas.queries import AuthorisationIn

app = typer.Typer(
    name="authorisations",
    cls=Group,
    help="授权：当事人授予、查看、撤回；征信机构提交、查看。What a subject permits a bureau to ask.",
    no_args_is_help=True,
)
_Bureau = Annotated[str, typer.Option(help="征信机构代码。Code of the bureau.", show_default=False)]
_Items = Annotated[list[str], typer.Option("--item", help="条目代码，可多次。An item; may be repeated.")]
_From = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="生效日，默认今日。The first day; today.")
]
_To = Annotated[
    datetime,
    typer.Option(
        "--until", formats=["%Y-%m-%d"], help="失效日，自该日起无效。The first day on which it holds no more."
    ),
]
_Uses = Annotated[int, typer.Option(min=1, max=1000, help="可用次数。How often it may be used.")]
_Token = Annotated[Path | None, typer.Option("--token-out", help="将签名文本写入该文件。Write the signed text there.")]
_Handed = Annotated[Path, typer.Argument(help="签名文本的文件，- 为标准输入。The signed text.", show_default=False)]
_COLUMNS = ("id", "bureau", "purpose", "items", "valid_until", "uses", "max_uses", "state")


@app.command("give", cls=Command)
@asks
def give(
    asked: CommandCall,
    *,
    bureau: _Bureau,
    purpose: options.Purpose,
    items: _Items,
    until: _To,
    since: _From = None,
    uses: _Uses = 1,
    token_out: _Token = None,
) -> Exit:
    """授权征信机构查询（当事人）。Permit a bureau to ask; hand it the signed text."""
    body = body_of(
        AuthorisationIn,
        bureau=bureau,
        purpose=purpose,
        items=tuple(items),
        valid_from=given.day(since),
        valid_until=until.date(),
        max_uses=uses,
    )
    with asked.node() as node:
        made = node.me.authorise(body)
    if token_out is not None:
        save(token_out, made.token.encode() + b"\n", private=True)
    show.one(made, as_json=asked.as_json)
    return Exit.DONE


@app.command("list", cls=Command)
@asks
def list_(asked: CommandCall) -> Exit:
    """列出本人的授权及使用次数（当事人）。List what you permitted, and how often it was used."""
    with asked.node() as node:
        show.many(node.me.authorisations(), _COLUMNS, as_json=asked.as_json)
    return Exit.DONE


@app.command("revoke", cls=Command)
@asks
def revoke(asked: CommandCall, authorisation: options.Authorisation) -> Exit:
    """撤回授权，即时生效（当事人）。Take a permission back, from the bureau's next call on."""
    with asked.node() as node:
        node.me.revoke(authorisation)
    if asked.as_json:
        say.document({"id": str(authorisation), "state": "revoked"})
    else:
        say.answers.print(f"已撤回 revoked: {authorisation}")
    return Exit.DONE


@app.command("hand-in", cls=Command)
@asks
def hand_in(asked: CommandCall, token: _Handed) -> Exit:
    """提交当事人的授权（征信机构）。Hand in an authorisation as its subject gave it; the bureau's."""
    with asked.node() as node:
        show.one(node.authorisations.hand_in(given.text(token)), as_json=asked.as_json)
    return Exit.DONE


@app.command("show", cls=Command)
@asks
def show_authorisation(asked: CommandCall, authorisation: options.Authorisation) -> Exit:
    """查看已提交的授权（征信机构）。Show an authorisation and what became of it; the bureau's."""
    with asked.node() as node:
        show.one(node.authorisations.read(authorisation), as_json=asked.as_json)
    return Exit.DONE
