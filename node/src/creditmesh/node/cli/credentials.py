"""Commands about who is let in: the node's own keys, API keys of parties, people's tokens, and peers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from creditmesh.node.cli.console import node_operator, node_settings, out, plainly, print_document, show_table

if TYPE_CHECKING:
    from creditmesh.schemas.erasures import ErasureOut

keys = typer.Typer(no_args_is_help=True, help="The node's keys, and the API keys of parties.")
people_app = typer.Typer(no_args_is_help=True, help="People's tokens, and the erasure of their data.")
peers_app = typer.Typer(no_args_is_help=True, help="The nodes above and below this one.")


@keys.command("create")
def keys_create() -> None:
    """Make the node's own keys where they are missing: files in the node's secrets folder, owner-only."""
    from creditmesh.node import running

    with plainly():
        for path in running.make_keys(node_settings()):
            out.print(str(path))


@keys.command("renew")
def keys_renew(name: Annotated[str, typer.Argument(help="token, node, feed or data.")]) -> None:
    """Make one more of the node's own keys, for each process to use from its next start; the older stay valid."""
    from creditmesh.node import running

    with plainly():
        for path in running.renew_key(node_settings(), name):
            out.print(str(path))


@keys.command("share")
def keys_share(
    folder: Annotated[Path, typer.Argument(help="Where to; a folder for each process is made in it.")],
) -> None:
    """Write for each service, the gateway and the relay a folder with its own share of the node's secrets, and no more.

    The CREDITMESH_STATE of a process that runs by itself. Again after `keys renew`: what is no share now goes.
    """
    from creditmesh.node import shares

    with plainly():
        for path in shares.share_out(node_settings(), folder):
            out.print(str(path))


@keys.command("issue")
def keys_issue(
    party: Annotated[str, typer.Argument(help="The party's code in the catalogue.")],
    *,
    kind: Annotated[str, typer.Option(help="department, bureau, office or node.")] = "department",
    scope: Annotated[list[str] | None, typer.Option(help="A scope; repeat for more. Default: its kind's.")] = None,
    item: Annotated[list[str] | None, typer.Option(help="Limit to this item; repeat for more.")] = None,
    label: Annotated[
        str, typer.Option(help="Which of the party's systems it is for; two of a label may live.")
    ] = "default",
    days: Annotated[int, typer.Option(min=1, max=366, help="Days until it expires.")] = 365,
) -> None:
    """Issue an API key to a party; it is shown once."""
    from creditmesh.node import people

    with plainly():
        operator = node_operator()
        key = people.issue_key(operator, party, kind=kind, scopes=scope, items=item, days=days, label=label)
        out.print(key)


@keys.command("list")
def keys_list(
    party: Annotated[str | None, typer.Argument(help="Only this party's.")] = None,
    *,
    kind: Annotated[str | None, typer.Option(help="Only of this kind: department, bureau, ...")] = None,
    revoked: Annotated[bool, typer.Option("--all", help="Those too that are revoked or expired.")] = False,
) -> None:
    """The API keys and tokens that were issued, by id: whose, what for, until when. Never their text.

    A table on a terminal, else a line of values between tabs for each, the names first.
    """
    from creditmesh.node import people

    with plainly():
        show_table(people.COLUMNS, people.listed(node_operator(), party=party, kind=kind, ended=revoked))


@keys.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="The key's id: its third part.")]) -> None:
    """Revoke an API key or a person's token; it is refused within a second."""
    with plainly():
        revoked = node_operator().call("gateway", "DELETE", f"/v1/admin/keys/{quote(key_id, safe='')}")
        out.print(f"revoked {revoked['key']} / 已撤销 {revoked['key']}")


@people_app.command("add")
def people_add(
    document: Annotated[
        Path,
        typer.Argument(
            help="A file with the person as JSON: {kind, document: {type, number}, name}; - for standard input."
        ),
    ],
) -> None:
    """Give a person a token for their own file. The number is read from a file: command lines are visible to others."""
    from creditmesh.node import people

    with plainly():
        out.print(people.add_person(node_operator(), people.read_document(document)))


@people_app.command("officer")
def people_officer(
    party: Annotated[str, typer.Argument(help="The party's code.")],
    name: Annotated[str, typer.Argument(help="The officer's name as it shall stand in access logs.")],
    kind: Annotated[str, typer.Option(help="department, or office for the credit office.")] = "department",
    scope: Annotated[list[str] | None, typer.Option(help="A scope; repeat for more. Default: its kind's.")] = None,
) -> None:
    """Give a named officer of a party a token: reviews are decided by named officers only."""
    from creditmesh.node import people

    with plainly():
        token = people.add_officer(node_operator(), party, name, kind=kind, scopes=scope)
        out.print(token)


@people_app.command("erase")
def people_erase(
    document: Annotated[Path, typer.Argument(help="A file with the person as JSON; - for standard input.")],
    *,
    ground: Annotated[str, typer.Option(help="order, unlawful or consent_withdrawn.")],
    basis: Annotated[str, typer.Option(help="The document that it rests on; it names nobody.")],
    officer: Annotated[str, typer.Option(help="Who answers for it, as it shall stand in the entry that stays.")],
    record: Annotated[
        list[str] | None, typer.Option(help="This record alone; repeat. Default: all of this node.")
    ] = None,
    confirmed: Annotated[bool, typer.Option("--confirmed", help="Do it; without this it is only said.")] = False,
) -> None:
    """Erase what this node has made about a person, here and at the nodes above; without --confirmed only say so."""
    from creditmesh.node import erasing, people

    with plainly():
        person = people.read_document(document)
        by = {"ground": ground, "basis": basis, "officer": officer}
        found = erasing.erase(node_operator(), person, records=record, confirmed=confirmed, **by)
        _show_erasure(found)


@people_app.command("erasures")
def people_erasures(
    erasure: Annotated[
        str | None, typer.Argument(help="One of them, with its records and who has not answered.")
    ] = None,
) -> None:
    """The erasures of this node, newest first; of one its records, whether they are deleted, and who is pending.

    A table on a terminal, else a line of values between tabs for each, the names first.
    """
    from creditmesh.node import erasing

    with plainly():
        if erasure is None:
            names = ("erasure", "at", "officer", "ground", "basis", "held_rows")
            show_table(names, erasing.entries(node_operator()))
            return
        _show_erasure(erasing.entry(node_operator(), erasure))


def _show_erasure(found: "ErasureOut") -> None:
    from creditmesh.node import erasing

    show_table(erasing.NAMES, erasing.lines(found))
    out.print(erasing.header(found))
    out.print(" / ".join(erasing.summary(found)))
    if said := erasing.outcome(found):
        out.print(" / ".join(said))


@peers_app.command("init")
def peers_init(
    *,
    name: Annotated[str | None, typer.Option(help="The node's name in English.")] = None,
    name_zh: Annotated[str | None, typer.Option(help="The node's name in Chinese. / 节点名称。")] = None,
    uscc: Annotated[
        str | None, typer.Option(help="The unified code (18 characters) of the body that runs it. / 统一社会信用代码。")
    ] = None,
) -> None:
    """Publish this node's own row: who runs it, and its public keys. Once before its first peer; the node runs.

    Again after `keys renew`, without options: what is not said stays.
    """
    from creditmesh.node import peers

    with plainly():
        row = peers.init(node_operator(), name=name, name_zh=name_zh, uscc=uscc)
        ids = ", ".join(key["id"] for key in row["keys"])
        out.print(f"published {row['code']} ({row['uscc']}): {ids} / 已发布 {row['code']}")
        out.print(
            "next: creditmesh-node peers show --url URL > FILE, for the peer's operator / 下一步：导出后交对方运维人员",
        )


@peers_app.command("show")
def peers_show(
    url: Annotated[str | None, typer.Option(help="Where the peer reaches this node's gateway.")] = None,
) -> None:
    """Print this node's own row as JSON: codes, names, public keys. A peer's operator adds it there."""
    from creditmesh.node import peers

    with plainly():
        print_document(peers.own_row(node_operator(), url=url))


@peers_app.command("add")
def peers_add(
    file: Annotated[Path, typer.Argument(help="The peer's row, as its `peers show --url` printed it.")],
    *,
    place: Annotated[str | None, typer.Option(help="Where the peer stands: above or below.")] = None,
    sends_for: Annotated[
        list[str] | None, typer.Option(help="An origin whose records a peer below may send; repeat. Itself always.")
    ] = None,
) -> None:
    """Enrol a peer: from now on requests that it signs are let in, and its feeds are pulled.

    Of one that was enrolled before, place and origins stay as they are where they are not said; origins that are said
    replace those that stand.
    """
    from creditmesh.node import peers

    with plainly():
        row = peers.add(node_operator(), file, place=place, sends_for=sends_for)
        ids = ", ".join(key["id"] for key in row["keys"])
        out.print(f"enrolled {row['code']} ({row['place']}): {ids} / 已登记 {row['code']}")
        comes, comes_zh = peers.COMES[row["place"]]
        out.print(
            f"{comes}; what has ended does not travel. / {comes_zh}；已终止的不传送。",
        )
        out.print(
            f"nothing flows before {row['code']} has added this node too: peers show --url URL / "
            f"对方也登记本节点之后才开始交换：peers show --url URL",
        )


@peers_app.command("list")
def peers_list() -> None:
    """List the peers of this node, those taken out among them.

    A table on a terminal, else a line of values between tabs for each, the names first.
    """
    from creditmesh.node import peers

    with plainly():
        show_table(("code", "place", "url", "sends_for", "keys", "state"), peers.listed(node_operator()))


@peers_app.command("remove")
def peers_remove(code: Annotated[str, typer.Argument(help="The peer's code.")]) -> None:
    """Take a peer out: its signatures are refused, and nothing of it is pulled. `peers add` enrols it again."""
    from creditmesh.node import peers

    with plainly():
        peers.remove(node_operator(), code)
        out.print(f"removed {code} / 已移除 {code}")
