"""`python -m bench [PART...]`: every measurement in one run, or the named ones; the figures go to bench/results/."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from bench import backlog, gateway, idle, ingest, latency, machine, query, tokens
from bench.figures import Table
from bench.standing import Standing, standing
from creditmesh.node.errors import NodeError

RESULTS = Path(__file__).parent / "results"
PARTS: dict[str, Callable[[Standing], Coroutine[Any, Any, Table]]] = {
    "idle": idle.measure,
    "latency": latency.measure,
    "ingest": ingest.measure,
    "query": query.measure,
    "backlog": backlog.measure,
}
"""On one node, in this order: it must rest before it works."""
ALONE: dict[str, Callable[[], Table]] = {"tokens": tokens.measure, "gateway": gateway.measure}
KAFKA = "kafka"
console = Console(width=None if Console().is_terminal else 140)


def main(
    parts: Annotated[
        list[str] | None, typer.Argument(help=f"{', '.join((*PARTS, *ALONE, KAFKA))}; default: all")
    ] = None,
) -> None:
    """Measure, print, and keep the figures with the machine and the commit."""
    wanted = parts or [*PARTS, *ALONE, KAFKA]
    if unknown := set(wanted) - {*PARTS, *ALONE, KAFKA}:
        raise typer.BadParameter(f"no part {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, _interrupt)
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": machine.commit()} | machine.described()
    before, began = machine.load(), time.monotonic()
    console.print(f"commit {about['commit']}, {about['cpu']}, {about['cores']} cores, load {before}", highlight=False)
    console.print("Other work may share the machine: only ratios and CPU within one run count.", style="dim")
    tables = {name: table for name, table in _measured(wanted) if table is not None}
    about |= {"load_before": before, "load_after": machine.load(), "seconds": round(time.monotonic() - began)}
    console.print(f"{about['seconds']} s, load {before} -> {about['load_after']}", highlight=False)
    _keep(about, tables)


def _measured(wanted: list[str]) -> Iterator[tuple[str, Table | None]]:
    on_node = [name for name in PARTS if name in wanted]
    if on_node:
        with standing() as node:
            for name in on_node:
                yield name, _shown(asyncio.run(PARTS[name](node)))
    for name, measure in ALONE.items():
        if name in wanted:
            yield name, _shown(measure())
    if KAFKA in wanted:
        yield KAFKA, _on_kafka()


def _on_kafka() -> Table | None:
    try:
        with standing(KAFKA) as node:
            return _shown(asyncio.run(latency.measure(node)))
    except NodeError as error:  # no Java, no Maven
        console.print(f"kafka: not measured: {error}", style="yellow")
        return None


def _shown(table: Table) -> Table:
    table.show(console)
    return table


def _keep(about: dict[str, Any], tables: dict[str, Table]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{about['at'][:10]}-{about['commit'].rstrip('+')}.json"
    figures = {name: vars(table) for name, table in tables.items()}
    path.write_bytes(orjson.dumps(about | {"parts": figures}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    console.print(f"kept in {path}", highlight=False)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    typer.run(main)
