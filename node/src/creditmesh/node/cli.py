"""`creditmesh-node`: the command line of who runs a node.

Each command imports what it needs itself: the services alone take seconds to load, and most commands need none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from creditmesh.node.errors import NodeError

if TYPE_CHECKING:
    from creditmesh.chassis.settings import NodeSettings
    from creditmesh.node.dead_letters import Wish
    from creditmesh.node.operator import Operator

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run a node: its processes, its keys, its people, its catalogue. Settings are CREDITMESH_* variables.",
)
keys = typer.Typer(no_args_is_help=True, help="The node's keys, and the API keys of parties.")
people_app = typer.Typer(no_args_is_help=True, help="People's tokens.")
catalogue = typer.Typer(no_args_is_help=True, help="The catalogue this node publishes.")
peers_app = typer.Typer(no_args_is_help=True, help="The nodes above and below this one.")
dead = typer.Typer(no_args_is_help=True, help="Events a reader could not apply, and the keys parked behind them.")
readers_app = typer.Typer(no_args_is_help=True, help="The services that read streams, and how far they are.")
topics_app = typer.Typer(no_args_is_help=True, help="The Kafka topics of this node.")
PARTS = {
    "keys": keys,
    "people": people_app,
    "catalogue": catalogue,
    "peers": peers_app,
    "dead": dead,
    "readers": readers_app,
    "topics": topics_app,
}
for name, part in PARTS.items():
    app.add_typer(part, name=name)
out, err = Console(), Console(stderr=True)


@contextmanager
def _plainly() -> Iterator[None]:
    """An error that was raised on purpose is a line for the person at the console, and exit code 2."""
    from creditmesh.chassis.errors import MeshError

    try:
        yield
    except (NodeError, MeshError) as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error


def _settings() -> "NodeSettings":
    from creditmesh.node.settings import read_settings

    return read_settings()


def _operator() -> "Operator":
    from creditmesh.node.operator import Operator

    return Operator(_settings().state)


@app.command()
def up() -> None:
    """Run the whole node in this process; without CREDITMESH_DATABASE with its own embedded PostgreSQL."""
    import uvloop

    from creditmesh.node import running

    with _plainly():
        uvloop.run(running.whole_node(_settings()))


@app.command()
def serve(service: Annotated[str, typer.Argument(help="A service's name, or `gateway`.")]) -> None:
    """Run one service as a process of its own."""
    import uvloop

    from creditmesh.node import running

    with _plainly():
        uvloop.run(running.one_service(_settings(), service))


@app.command()
def relay() -> None:
    """Publish the node's events to Kafka.

    It ends with 75 when a send is uncertain, or when the database is away at its start: have it started again.
    """
    import uvloop

    from creditmesh.chassis.bus.publisher import EXIT
    from creditmesh.chassis.database.errors import may_go_well
    from creditmesh.node import running

    with _plainly():
        try:
            uvloop.run(running.relay(_settings()))
        except Exception as error:
            if not may_go_well(error):
                raise
            err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(EXIT) from error


@app.command()
def migrate() -> None:
    """Create or upgrade the node's database: schemas, roles, tables; say what was upgraded.

    A PostgreSQL of your own needs CREDITMESH_ADMIN, the embedded one nothing.
    """
    import asyncio

    from creditmesh.node import database, running

    with _plainly():
        settings = _settings()
        running.make_keys(settings)
        upgraded = asyncio.run(database.migrate(settings))
        for package, before, after in upgraded:
            out.print(f"{package}: {before or '-'} -> {after}", markup=False, highlight=False)
        if not upgraded:
            out.print("nothing to upgrade / 无需升级")


@app.command(context_settings={"ignore_unknown_options": True})  # -30d is no option
def clock(
    move: Annotated[str, typer.Argument(help="Days from the real date: +365d, -30d, or 0d to set it back.")],
) -> None:
    """Move the sandbox's legal date; refused unless the node is a sandbox."""
    with _plainly():
        days = _days(move)
        answer = _operator().call("catalogue", "POST", "/v1/admin/clock", {"offset_days": days})
        out.print(f"legal date {answer['legal_date']} / 法律日期 {answer['legal_date']}")


def _days(move: str) -> int:
    try:
        return int(move.removesuffix("d"))
    except ValueError:
        raise NodeError("days as +365d, -30d or 0d", "天数形如 +365d、-30d 或 0d") from None


@keys.command("create")
def keys_create() -> None:
    """Make the node's own keys where they are missing: files in the node's secrets folder, owner-only."""
    from creditmesh.node import running

    with _plainly():
        for path in running.make_keys(_settings()):
            out.print(str(path), highlight=False)


@keys.command("renew")
def keys_renew(name: Annotated[str, typer.Argument(help="token, node, feed or data.")]) -> None:
    """Make one more of the node's own keys, for each process to use from its next start; the older stay valid."""
    from creditmesh.node import running

    with _plainly():
        for path in running.renew_key(_settings(), name):
            out.print(str(path), highlight=False)


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

    with _plainly():
        operator = _operator()
        key = people.issue_key(operator, party, kind=kind, scopes=scope, items=item, days=days, label=label)
        out.print(key, highlight=False)


@keys.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="The key's id: its third part.")]) -> None:
    """Revoke an API key or a person's token; it is refused within a second."""
    with _plainly():
        revoked = _operator().call("gateway", "DELETE", f"/v1/admin/keys/{quote(key_id, safe='')}")
        out.print(f"revoked {revoked['key']} / 已撤销 {revoked['key']}", highlight=False)


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

    with _plainly():
        out.print(people.add_person(_operator(), people.read_document(document)), highlight=False)


@people_app.command("officer")
def people_officer(
    party: Annotated[str, typer.Argument(help="The party's code.")],
    name: Annotated[str, typer.Argument(help="The officer's name as it shall stand in access logs.")],
    kind: Annotated[str, typer.Option(help="department, or office for the credit office.")] = "department",
    scope: Annotated[list[str] | None, typer.Option(help="A scope; repeat for more. Default: its kind's.")] = None,
) -> None:
    """Give a named officer of a party a token: reviews are decided by named officers only."""
    from creditmesh.node import people

    with _plainly():
        token = people.add_officer(_operator(), party, name, kind=kind, scopes=scope)
        out.print(token, highlight=False)


@catalogue.command("load")
def catalogue_load(
    folder: Annotated[Path | None, typer.Argument(help="A folder of YAML; default: the shipped catalogue.")] = None,
) -> None:
    """Publish a catalogue: what is unchanged is left alone, what changed gets its next version."""
    with _plainly():
        body = {"folder": None if folder is None else str(folder.resolve())}
        answer = _operator().call("catalogue", "POST", "/v1/admin/catalogue", body)
        out.print(f"published {answer['published']}, unchanged {answer['unchanged']}")


@peers_app.command("show")
def peers_show(
    url: Annotated[str | None, typer.Option(help="Where the peer reaches this node's gateway.")] = None,
) -> None:
    """Print this node's own row as JSON: codes, names, public keys. A peer's operator adds it there."""
    from creditmesh.node import peers

    with _plainly():
        typer.echo(peers.own_row(_operator(), url=url))


@peers_app.command("add")
def peers_add(
    file: Annotated[Path, typer.Argument(help="The peer's row, as its `peers show --url` printed it.")],
    *,
    place: Annotated[str, typer.Option(help="Where the peer stands: above or below.")],
    sends_for: Annotated[
        list[str] | None, typer.Option(help="An origin whose records a peer below may send; repeat. Itself always.")
    ] = None,
) -> None:
    """Enrol a peer: from now on requests that it signs are let in, and its feeds are pulled."""
    from creditmesh.node import peers

    with _plainly():
        row = peers.add(_operator(), file, place=place, sends_for=sends_for or ())
        ids = ", ".join(key["id"] for key in row["keys"])
        out.print(f"enrolled {row['code']} ({row['place']}): {ids} / 已登记 {row['code']}", highlight=False)


@peers_app.command("list")
def peers_list() -> None:
    """The peers of this node, those taken out among them: a table, or values between tabs where nobody looks."""
    from creditmesh.node import peers

    with _plainly():
        _tell(("code", "place", "url", "sends_for", "keys", "state"), peers.listed(_operator()))


@peers_app.command("remove")
def peers_remove(code: Annotated[str, typer.Argument(help="The peer's code.")]) -> None:
    """Take a peer out: its signatures are refused, and nothing of it is pulled. `peers add` enrols it again."""
    from creditmesh.node import peers

    with _plainly():
        peers.remove(_operator(), code)
        out.print(f"removed {code} / 已移除 {code}", highlight=False)


@dead.command("list")
def dead_list() -> None:
    """The dead letters of every service of this node, and how many events wait behind each key.

    A table on a terminal, else a line of values between tabs for each, the names first.
    """
    import asyncio

    from creditmesh.node import dead_letters
    from creditmesh.node.declaration import NODE

    with _plainly():
        names = ("service", "stream", "part", "number", "type", "error", "waiting", "since", "asked")
        _tell(names, [letter.line for letter in asyncio.run(dead_letters.listed(_settings(), NODE))])


_Letter = Annotated[str, typer.Argument(help="The letter as SERVICE/STREAM/PART/NUMBER, from `dead list`.")]
_Seconds = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for what becomes of it.")]


@dead.command("show")
def dead_show(letter: _Letter) -> None:
    """One letter: its event, why it was refused and when, and what waits behind it. Never the body or the person."""
    import asyncio

    from creditmesh.node import dead_letters
    from creditmesh.node.declaration import NODE

    with _plainly():
        shown = asyncio.run(dead_letters.shown(_settings(), NODE, letter))
        for name, value in shown.described().items():
            out.print(f"{name}: {value}", markup=False, highlight=False)


@dead.command("retry")
def dead_retry(letter: _Letter, *, wait: _Seconds = 30.0) -> None:
    """Try a letter again with all that waits behind it, where its part is leased.

    Exits 0 when its key flows again, 1 when it or a later event of its key was refused (`dead show` says why), 3 when
    it was not all done in time: the service must be running.
    """
    with _plainly():
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
    with _plainly():
        if not yes:
            typer.confirm(f"Drop {letter} for good? / 永久丢弃 {letter}？", abort=True)
        raise typer.Exit(_asked(letter, "drop", wait))


def _asked(letter: str, wish: "Wish", wait: float) -> int:
    import asyncio

    from creditmesh.node import dead_letters
    from creditmesh.node.declaration import NODE

    outcome = asyncio.run(dead_letters.asked(_settings(), NODE, letter, wish, seconds=wait))
    out.print(outcome.said, markup=False, highlight=False)
    return outcome.exit


@readers_app.command("list")
def readers_list() -> None:
    """Who reads which stream, how many events behind its heads, whether a process runs it, and when it last reported.

    One that never ran has the time at which it was put on the list.
    """
    import asyncio

    from creditmesh.node import readers

    with _plainly():
        _tell(("reader", "stream", "behind", "runs", "reported"), asyncio.run(readers.listed(_settings())))


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

    with _plainly():
        if not yes:
            typer.confirm(f"Evict {reader} from {stream}? / 移除 {stream} 的读取方 {reader}？", abort=True)
        asyncio.run(readers.evict(_settings(), reader, stream))
        out.print(f"evicted {reader} from {stream} / 已移除", markup=False, highlight=False)


def _tell(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not out.is_terminal:
        typer.echo("\n".join("\t".join(each) for each in (names, *rows)))
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*row)
    out.print(table)


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

    with _plainly():
        made = asyncio.run(topics.apply(_settings(), anew=anew))
        out.print(f"made {', '.join(made)}" if made else "all topics are there", highlight=False)


@topics_app.command("print")
def topics_print() -> None:
    """Print the topics as YAML, for whoever makes them in another way."""
    from creditmesh.node import topics

    with _plainly():
        typer.echo(topics.declaration(_settings()), nl=False)


@app.command("sandbox")
def sandbox_command(
    bus: Annotated[str, typer.Option(help="embedded, or kafka.")] = "embedded",
    *,
    once: Annotated[bool, typer.Option("--once", help="Tell the story and end.")] = False,
    split: Annotated[bool, typer.Option("--split", help="Every service as its own process.")] = False,
    state: Annotated[Path, typer.Option(help="The sandbox's folder; made anew each time.")] = Path("var"),
) -> None:
    """Start a chain of sandbox nodes with invented parties, tell its story with every step checked, and stay up."""
    from creditmesh.node.sandbox.run import run

    with _plainly():
        raise typer.Exit(run(state=state, bus=bus, once=once, split=split, console=out))
