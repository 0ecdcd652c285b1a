"""The command for after a restored database; it imports what it needs itself, as all commands do."""

from typing import Annotated, Any

import typer

from creditmesh.node.cli.console import err, node_operator, node_settings, out, plainly, show_table
from creditmesh.node.errors import NodeError


def restore(
    *,
    before_start: Annotated[
        bool,
        typer.Option(
            "--before-start",
            help="The database was put back, and no process runs yet: show no records until all peers were heard.",
        ),
    ] = False,
    dismiss: Annotated[
        str | None, typer.Option("--dismiss", help="FEED/INDEX: you have seen to it; it is listed no more.")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--end", help="up/INDEX: nothing of this record is here; withdraw it at the nodes above."),
    ] = None,
    set_aside: Annotated[
        str | None,
        typer.Option(
            "--set-aside",
            help="FEED: a node holds another history of it. Say what stands here that nobody holds; change nothing. / "
            "对等节点持有另一份历史：仅显示本节点中无人持有的部分。",
        ),
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm",
            help="The head that it named: set it aside, and go on. It is said again behind what the node holds. / "
            "所显示的树头：确认搁置并继续，其内容随后重新追加。",
        ),
    ] = None,
) -> None:
    """After the database was restored: fetch the node's own entries back from the peers that verified them.

    The node runs, but with --before-start, which comes first. Its records are made again from them; what it took
    meanwhile is shared when its feeds are whole. Printed is what is not here again, and why: records, and objects of
    the catalogue that are to be published or withdrawn again. Once more it changes nothing, and prints what is left.
    """
    from creditmesh.node import named, restoring

    with plainly():
        if before_start:
            _put_back()
            return
        operator = node_operator()
        if set_aside is not None and confirm is None:
            _say_what_nobody_holds(restoring.look(operator, named.feed_name(set_aside)))
            return
        if set_aside is not None and confirm is not None:
            restoring.set_aside(operator, named.feed_name(set_aside), confirm)
        for act, place in ((restoring.dismiss, dismiss), (restoring.end, end)):
            if place is not None:
                act(operator, *named.entry(place))
        failed: dict[str, NodeError] = {}
        for feed, peer, size, holds in restoring.restore(operator, failed):
            err.print(f"{feed}: {size} / {holds} <- {peer}")
        for feed, error in failed.items():
            err.print(f"{feed}: {error}")
        show_table(restoring.NAMES, restoring.missing(operator))
        if failed:
            raise typer.Exit(1)


def _say_what_nobody_holds(said: dict[str, Any]) -> None:
    feed = said["feed"]
    for reader in said["readers"]:
        text = "{node}: {holds} entries, {common} of them stand here / 持有 {holds} 条，其中 {common} 条与本节点相同"
        out.print(text.format(**reader))
    if said["head"] is None:
        out.print(f"{feed}: nothing to set aside / 无需搁置")
        return
    lines = (
        (
            f"{feed}: {said['entries']} entries of {said['records']} records, from {said['first']} on, are held by "
            "nobody: they would be set aside, what the node holds fetched back, and they would be said again behind it."
        ),
        (
            f"{feed}：自 {said['first']} 起的 {said['entries']} 条（{said['records']} 件记录）无人持有："
            "将予搁置，取回对方所持内容后重新追加。"
        ),
        f"creditmesh-node restore --set-aside {feed} --confirm {said['head']}",
    )
    for line in lines:
        out.print(line)


def _put_back() -> None:
    import asyncio

    from creditmesh.node import putting_back

    peers = ", ".join(asyncio.run(putting_back.mark(node_settings()))) or "-"
    out.print(f"shown when heard / 收到应答后展示: {peers}")
