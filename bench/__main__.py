"""`python -m bench [PART...]`: every measurement in one run, or the named ones; the figures go to bench/results/."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from bench import (
    backlog,
    chain,
    gateway,
    growth,
    idle,
    ingest,
    latency,
    machine,
    pulling,
    query,
    repairs,
    screening,
    statements,
    sustained,
    tokens,
    weight,
)
from bench import profile as profiles
from bench.figures import Table
from bench.standing import Standing, standing
from creditmesh.node.errors import NodeError
from creditmesh.sandbox.chain import CHAIN
from creditmesh.schemas.identifiers import NodeCode

RESULTS = Path(__file__).parent / "results"
Measure = Callable[[Standing], Coroutine[Any, Any, Table]]
ON_ONE: dict[str, Measure] = {
    "idle": idle.measure,
    "latency": latency.measure,
    "ingest": ingest.measure,
    "query": query.measure,
    "screening": screening.measure,
    "statements": statements.measure,
    "backlog": backlog.measure,
}
"""On one node, in this order: it must rest before it works."""
ON_ONE_ALONE: dict[str, Measure] = {"growth": growth.measure}
"""On one node that has done nothing yet. It takes long, so that it is run where it is named."""
ON_TWO: dict[str, Measure] = {"pull": pulling.measure}
ON_CHAIN: dict[str, Measure] = {
    "idle-chain": idle.measure,
    "chain": chain.measure,
    "repair": repairs.measure,
    "sustained": sustained.measure,
    "weight": weight.measure,
}
"""On three nodes, in this order."""
ALONE: dict[str, Callable[[], Table]] = {"tokens": tokens.measure, "gateway": gateway.measure}
ON_KAFKA: dict[str, tuple[tuple[NodeCode, ...], Measure]] = {
    "kafka": (("city",), latency.measure),
    "chain-kafka": (CHAIN, chain.measure),
    "repair-kafka": (CHAIN, repairs.measure),
}
"""With a broker between: on which nodes, and what."""
NAMES = (*ON_ONE, *ON_ONE_ALONE, *ON_TWO, *ON_CHAIN, *ALONE, *ON_KAFKA)
console = Console(width=None if Console().is_terminal else 140)


def main(
    parts: Annotated[
        list[str] | None, typer.Argument(help=f"{', '.join(NAMES)}; default: all but {', '.join(ON_ONE_ALONE)}")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="leave the nodes' stacks in this folder; no figures are kept")
    ] = None,
) -> None:
    """Measure, print, and keep the figures with the machine and the commit."""
    if profile is not None:
        profiles.enable(profile)
    wanted = parts or [name for name in NAMES if name not in ON_ONE_ALONE]
    if unknown := set(wanted) - set(NAMES):
        raise typer.BadParameter(f"no part {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, _interrupt)
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": machine.commit()} | machine.described()
    before, began = machine.load(), time.monotonic()
    console.print(f"commit {about['commit']}, {about['cpu']}, {about['cores']} cores, load {before}", highlight=False)
    console.print("Other work may share the machine: only ratios and CPU within one run count.", style="dim")
    tables = {name: table for name, table in _measured(wanted) if table is not None}
    about |= {"load_before": before, "load_after": machine.load(), "seconds": round(time.monotonic() - began)}
    console.print(f"{about['seconds']} s, load {before} -> {about['load_after']}", highlight=False)
    if profile is None:
        _keep(about, tables, of="" if parts is None else "-" + "-".join(parts))


def _measured(wanted: list[str]) -> Iterator[tuple[str, Table | None]]:
    for parts, codes in ((ON_ONE, CHAIN[:1]), (ON_ONE_ALONE, CHAIN[:1]), (ON_TWO, CHAIN[:2]), (ON_CHAIN, CHAIN)):
        yield from _on_nodes({name: parts[name] for name in parts if name in wanted}, codes)
    for name, measure in ALONE.items():
        if name in wanted:
            yield name, _shown(measure())
    for name in ON_KAFKA:
        if name in wanted:
            yield name, _on_kafka(name)


def _on_nodes(parts: Mapping[str, Measure], codes: Sequence[NodeCode]) -> Iterator[tuple[str, Table]]:
    if parts:
        with standing(codes=codes) as lowest:
            for name, measure in parts.items():
                profiles.begin(process for code in lowest.codes for process in lowest.at(code).processes)
                yield name, _shown(asyncio.run(measure(lowest)))


def _on_kafka(name: str) -> Table | None:
    codes, measure = ON_KAFKA[name]
    try:
        with standing("kafka", codes) as lowest:
            return _shown(asyncio.run(measure(lowest)))
    except NodeError as error:  # no Java, no Maven
        console.print(f"{name}: not measured: {error}", style="yellow")
        return None


def _shown(table: Table) -> Table:
    table.show(console)
    return table


def _keep(about: dict[str, Any], tables: dict[str, Table], *, of: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{about['at'][:10]}-{about['commit'].rstrip('+')}{of}.json"
    figures = {name: vars(table) for name, table in tables.items()}
    path.write_bytes(orjson.dumps(about | {"parts": figures}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    console.print(f"kept in {path}", highlight=False)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    typer.run(main)
