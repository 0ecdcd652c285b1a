"""The commands that run a node and publish its catalogue, and the groups of the others.

Each command imports what it needs itself: the services alone take seconds to load, and most commands need none.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creditmesh.node.cli import bus, credentials, restored
from creditmesh.node.cli.console import (
    Program,
    err,
    node_operator,
    node_settings,
    out,
    plainly,
    print_json,
    show_table,
)
from creditmesh.node.errors import NodeError

if TYPE_CHECKING:
    from creditmesh.node.run_files import RunFile

app = Program(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run a node: its processes, its keys, its people, its catalogue. Settings are CREDITMESH_* variables.",
)
catalogue = typer.Typer(no_args_is_help=True, help="The catalogue this node publishes.")
GROUPS = {
    "keys": credentials.keys,
    "people": credentials.people_app,
    "catalogue": catalogue,
    "peers": credentials.peers_app,
    "dead": bus.dead,
    "readers": bus.readers_app,
    "feeds": bus.feeds_app,
    "topics": bus.topics_app,
}
for name, group in GROUPS.items():
    app.add_typer(group, name=name)
app.command()(restored.restore)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        from importlib.metadata import version

        typer.echo(f"creditmesh-node {version('creditmesh-node')}")
        raise typer.Exit


@app.callback()
def node(
    *,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and end.")
    ] = False,
) -> None:
    """Run a node: its processes, its keys, its people, its catalogue. Settings are CREDITMESH_* variables."""


@contextmanager
def _loading() -> Iterator[None]:
    """The collector rests: the services stay loaded, and walking them meanwhile takes a tenth of the loading."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@app.command()
def up() -> None:
    """Run the whole node in this process; without CREDITMESH_DATABASE with its own embedded PostgreSQL."""
    import uvloop

    with _loading():
        from creditmesh.node import running

    with plainly():
        uvloop.run(running.whole_node(node_settings(), ready=_say_ready))


def _say_ready(found: "RunFile") -> None:
    from creditmesh.node import status

    with suppress(OSError):  # whoever started it reads no more
        for line in status.welcome(found, node_settings()):
            out.print(line)


@app.command("status")
def node_status(
    *,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until every process is ready.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for programs.")] = False,
) -> None:
    """The node's processes, what stands still, what is missing, and what to do about it. Exits 1 if anything stands.

    节点各进程及停滞、缺失事项与处理办法；有停滞则退出码为 1。
    """
    from creditmesh.node import status

    with plainly():
        found = status.waited(node_settings(), seconds=wait)
        if as_json:
            print_json(found.document())
        else:
            show_table(status.COLUMNS, found.processes)
            for sign, (text, text_zh) in found.said():
                out.print(f"{sign} {text} / {text_zh}".strip())
        if found.stands:
            raise typer.Exit(1)


@app.command("doctor")
def node_doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for programs.")] = False
) -> None:
    """What the node rests on: folder, keys, disk, database, clocks, Kafka, peers, certificates. Exits 1 if one is bad.

    检查节点所依赖的条件：文件夹、磁盘、密钥、数据库、时钟、Kafka、对等节点、证书；有误则退出码为 1。
    """
    from creditmesh.node import doctor

    with plainly():
        found = doctor.looked(node_settings())
        if as_json:
            print_json([each._asdict() for each in found])
        else:
            show_table(doctor.COLUMNS, [tuple(each) for each in found])
        if any(each.how == "wrong" for each in found):
            raise typer.Exit(1)


@app.command()
def serve(service: Annotated[str, typer.Argument(help="A service's name, or `gateway`.")]) -> None:
    """Run one service as a process of its own."""
    import uvloop

    with _loading():
        from creditmesh.node import running

    with plainly():
        uvloop.run(running.one_service(node_settings(), service))


@app.command()
def relay() -> None:
    """Publish the node's events to Kafka.

    It ends with 75 when a send is uncertain, or when the database is away at its start: have it started again.
    """
    import uvloop

    from creditmesh.chassis.bus.kafka.publisher import EXIT
    from creditmesh.chassis.database.errors import may_go_well

    with _loading():
        from creditmesh.node import running

    with plainly():
        try:
            uvloop.run(running.relay(node_settings()))
        except Exception as error:
            if not may_go_well(error):
                raise
            err.print(str(error), style="red")
            raise typer.Exit(EXIT) from error


@app.command()
def migrate() -> None:
    """Create or upgrade the node's database: schemas, roles, tables; say what was upgraded.

    A PostgreSQL of your own needs CREDITMESH_ADMIN, the embedded one nothing.
    """
    import asyncio

    from creditmesh.node import database, running

    with plainly():
        settings = node_settings()
        running.make_keys(settings)
        upgraded = asyncio.run(database.migrate(settings))
        for package, before, after in upgraded:
            out.print(f"{package}: {before or '-'} -> {after}")
        if not upgraded:
            out.print("nothing to upgrade / 无需升级")


@app.command()
def reconcile(
    peer: Annotated[str, typer.Option("--with", help="The peer's code. / 对等节点代码。")],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what differs: nothing is repaired. / 仅比对，不修复。")
    ] = False,
) -> None:
    """Compare what this node holds of a peer with what the peer's feed says, and repair it. The node runs.

    将本节点所持对等节点数据与其日志比对并修复。

    Of every feed between the two the heads, of the records of a peer below the copies here. What is refused or withheld
    here is no difference. 1: something differs and is not repaired, or could not be compared.
    """
    from creditmesh.node import reconciling

    with plainly():
        run = reconciling.Reconciling(node_operator(), peer, repair=not check)
        if run.heads():
            for until, size in run.records():
                err.print(f"{peer}/up: {until} / {size}")
            for looked in run.extra():
                err.print(f"copies / 副本: {looked}")
        report = run.report
        show_table(reconciling.HEADS, report.heads)
        show_table(reconciling.COUNTS, report.rows())
        if report.found:
            show_table(reconciling.FOUND, report.found)
        said = "all is as the feeds say / 与日志一致" if report.equal else "not all is as the feeds say / 与日志不一致"
        out.print(said)
        if not report.equal:
            raise typer.Exit(1)


@app.command(context_settings={"ignore_unknown_options": True})  # -30d is no option
def clock(
    move: Annotated[str, typer.Argument(help="Days from the real date: +365d, -30d, or 0d to set it back.")],
) -> None:
    """Move the sandbox's legal date; refused unless the node is a sandbox."""
    with plainly():
        days = _days(move)
        answer = node_operator().call("catalogue", "POST", "/v1/admin/clock", {"offset_days": days})
        out.print(f"legal date {answer['legal_date']} / 业务日期 {answer['legal_date']}")


def _days(move: str) -> int:
    try:
        return int(move.removesuffix("d"))
    except ValueError:
        raise NodeError("days as +365d, -30d or 0d", "天数形如 +365d、-30d 或 0d") from None


@catalogue.command("load")
def catalogue_load(
    folder: Annotated[Path | None, typer.Argument(help="A folder of YAML; default: the shipped catalogue.")] = None,
    *,
    whole: Annotated[bool, typer.Option("--whole", help="All of the shipped one, on a sandbox.")] = False,
    place: Annotated[str | None, typer.Option(help="The shipped rules of a place, over it: shenzhen.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was replaced or withdrawn since.")] = False,
    replace: Annotated[
        list[str] | None, typer.Option(help="Over your own, too: item/student_conduct. Repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Publish a catalogue: what is unchanged is left alone, what changed gets its next version.

    It names each object that was published, what stays over the shipped catalogue, and what gave way to it.
    """
    with plainly():
        asked = {"whole": whole, "place": place, "again": again, "dry_run": dry_run, "replace": replace or []}
        body = {"folder": None if folder is None else str(folder.resolve()), **asked}
        answer = node_operator().call("catalogue", "POST", "/v1/admin/catalogue", body)
        published, unchanged = answer["published"], answer["unchanged"]
        if dry_run:
            out.print("nothing is published, this is what would be / 试运行，未发布任何内容")
        out.print(f"published {published}, unchanged {unchanged} / 已发布 {published} 项，未变 {unchanged} 项")
        _each(answer["objects"], "published", "已发布")
        _each(answer["repeated"], "yours stays", "本级版本保留")
        _each(answer["gave_way"], "gave way, confirm or narrow it again", "本级版本已被取代，请重新核实或收紧")
        for field in answer["forbidden"]:
            out.print(f"may not be collected any more / 不得再采集: {field}")


def _each(objects: Iterable[dict[str, Any]], said: str, said_zh: str) -> None:
    for one in objects:
        name = f"{one['kind']} {one['code']} {one['number']} ({one['issued_by']})"
        out.print(f"{said} / {said_zh}: {name}")
