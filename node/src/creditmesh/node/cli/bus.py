"""Commands about what travels: dead letters, who reads the streams, Kafka's topics, feeds of peers."""

from typing import TYPE_CHECKING, Annotated

import typer

from creditmesh.node.cli.console import node_operator, node_settings, out, plainly, print_document, show_table

if TYPE_CHECKING:
    from creditmesh.node.dead_letters import Wish

dead = typer.Typer(no_args_is_help=True, help="Events a reader could not apply, and the keys parked behind them.")
readers_app = typer.Typer(no_args_is_help=True, help="The services that read streams, and how far they are.")
feeds_app = typer.Typer(no_args_is_help=True, help="The feeds of this node, and the copies of its peers'.")
topics_app = typer.Typer(no_args_is_help=True, help="The Kafka topics of this node.")


@dead.command("list")
def dead_list() -> None:
    """The dead letters of every service of this node, and how many events wait behind each key.

    A table on a terminal, else a line of values between tabs for each, the names first.
    """
    import asyncio

    from creditmesh.node import dead_letters
    from creditmesh.node.declaration import NODE

    with plainly():
        names = ("service", "stream", "part", "number", "type", "error", "waiting", "since", "asked")
        show_table(names, [letter.line for letter in asyncio.run(dead_letters.listed(node_settings(), NODE))])


_Letter = Annotated[str, typer.Argument(help="The letter as SERVICE/STREAM/PART/NUMBER, from `dead list`.")]
_Seconds = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for what becomes of it.")]


@dead.command("show")
def dead_show(letter: _Letter) -> None:
    """One letter: its event, why it was refused and when, and what waits behind it. Never the body or the person."""
    import asyncio

    from creditmesh.node import dead_letters
    from creditmesh.node.declaration import NODE

    with plainly():
        shown = asyncio.run(dead_letters.shown(node_settings(), NODE, letter))
        for name, value in shown.described().items():
            out.print(f"{name}: {value}")


@dead.command("retry")
def dead_retry(letter: _Letter, *, wait: _Seconds = 30.0) -> None:
    """Try a letter again with all that waits behind it, where its part is leased.

    Exits 0 when its key flows again, 1 when it or a later event of its key was refused (`dead show` says why), 3 when
    it was not all done in time: the service must be running.
    """
    with plainly():
        raise typer.Exit(_asked(letter, "retry", wait))


@dead.command("drop")
def dead_drop(
    letter: _Letter,
    *,
    wait: _Seconds = 30.0,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: this event will have no effect in that service.")
    ] = False,
) -> None:
    """Give a letter up for good and apply what waits behind it. What the event said never reaches that service.

    Of a stream that the service reads no more, all that waits behind it is given up with it.
    """
    with plainly():
        if not yes:
            typer.confirm(f"Drop {letter} for good? / 永久丢弃 {letter}？", abort=True)
        raise typer.Exit(_asked(letter, "drop", wait))


def _asked(letter: str, wish: "Wish", wait: float) -> int:
    import asyncio

    from creditmesh.node import dead_letters
    from creditmesh.node.declaration import NODE

    outcome = asyncio.run(dead_letters.asked(node_settings(), NODE, letter, wish, seconds=wait))
    out.print(outcome.said)
    return outcome.exit


@readers_app.command("list")
def readers_list() -> None:
    """Who reads which stream, how many events behind its heads, whether a process runs it, and when it last reported.

    One that never ran has the time at which it was put on the list.

    A table on a terminal, else a line of values between tabs for each, the names first.
    """
    import asyncio

    from creditmesh.node import readers

    with plainly():
        show_table(("reader", "stream", "behind", "runs", "reported"), asyncio.run(readers.listed(node_settings())))


@readers_app.command("evict")
def readers_evict(
    reader: Annotated[str, typer.Argument(help="The reader: a service's name.")],
    stream: Annotated[str, typer.Argument(help="The stream it reads: a service's name.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a reader that nobody runs any more off the list, so that it holds up no acknowledgement and no intake.

    Refused while one of its processes runs. If it ever runs again it goes on where it stood, and is on the list again.
    """
    import asyncio

    from creditmesh.node import readers

    with plainly():
        if not yes:
            typer.confirm(f"Evict {reader} from {stream}? / 移除 {stream} 的读取方 {reader}？", abort=True)
        asyncio.run(readers.evict(node_settings(), reader, stream))
        out.print(f"evicted {reader} from {stream} / 已移除")


@feeds_app.command("list")
def feeds_list() -> None:
    """List the feeds of this node, then its copies of its peers': how many entries, and why one stands still.

    `ok`, or the reason with the index at which it shows; nothing from there on was applied. What each reason means is
    in the guide on peers. Entries that this node refuses, by reason, are offered anew by `feeds offer`.

    A table on a terminal, else a line of values between tabs for each, the names first.
    """
    from creditmesh.node import feeds

    with plainly():
        show_table(feeds.COLUMNS, feeds.listed(node_operator()))


@feeds_app.command("resume")
def feeds_resume(
    peer: Annotated[str, typer.Argument(help="The peer's code.")],
    feed: Annotated[str, typer.Argument(help="Its feed: up, down or down-<node>.")],
) -> None:
    """Let a stopped copy go on from where it stands, once its peer has put the feed right. Nothing is skipped."""
    from creditmesh.node import feeds

    with plainly():
        feeds.resume(node_operator(), peer, feed)
        out.print(f"{peer}/{feed} goes on / 已恢复拉取 {peer}/{feed}")


@feeds_app.command("offer")
def feeds_offer(
    peer: Annotated[str, typer.Argument(help="The peer's code.")],
    feed: Annotated[str, typer.Argument(help="Its feed: up or down.")],
) -> None:
    """Have this node judge anew what it refused of a copy, once it has the item, the right or the key that was missing.

    What is accepted now is acknowledged as applied; what is refused once more stays refused.
    """
    from creditmesh.node import feeds

    with plainly():
        offered = feeds.offer(node_operator(), peer, feed)
        out.print(f"{offered} entries are judged anew / 重新判定 {offered} 个日志条目")


@topics_app.command("apply")
def topics_apply(
    *,
    anew: Annotated[
        bool, typer.Option("--anew", help="Delete them first: after the database was restored. Nothing is lost.")
    ] = False,
) -> None:
    """Make the topics that are missing; refuse one with another number of partitions than the node has parts."""
    import asyncio

    from creditmesh.node import topics

    with plainly():
        made = asyncio.run(topics.apply(node_settings(), anew=anew))
        out.print(f"made {', '.join(made)}" if made else "all topics are there")


@topics_app.command("print")
def topics_print() -> None:
    """Print the topics as YAML, for whoever makes them in another way."""
    from creditmesh.node import topics

    with plainly():
        print_document(topics.declaration(node_settings()).rstrip())
