"""Running a node's processes: all of it here, or one service; until told to stop, and then in good order."""

import asyncio
import gc
import os
import secrets
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from creditmesh.chassis import logs
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.roles import BUS, RELAY
from creditmesh.chassis.door import Door
from creditmesh.chassis.host import Host
from creditmesh.chassis.relay import Relay
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.transports import open_publisher
from creditmesh.chassis.vault.keys import RENEWED, Keys
from creditmesh.node import database, run_files
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError

GATEWAY = "gateway"


class Process(Protocol):
    """What runs here: a host, or the relay."""

    hosted: Sequence[str]
    url: str
    operator_url: str

    async def start(self) -> None:
        """Open everything and listen."""

    async def stop(self) -> None:
        """Close it in good order."""


def make_keys(settings: NodeSettings) -> list[Path]:
    """Make the node's keys and the operator's secret where they are missing; the files made."""
    made = Keys.create(settings.secrets / "keys")
    path = settings.secrets / "operator"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        made.append(path)
    return made


def renew_key(settings: NodeSettings, name: str) -> list[Path]:
    """Make one more of the node's own keys; the files made. NodeError for a name of which there is one for good."""
    found = next((each for each in RENEWED if each == name), None)
    if found is None:
        raise NodeError(
            f"no key {name!r} that is renewed; there are: {', '.join(RENEWED)}",
            f"没有可更换的密钥 {name!r}；可选：{', '.join(RENEWED)}",
        )
    return Keys.renew(settings.secrets / "keys", found)


async def whole_node(settings: NodeSettings, *, ready: Callable[[run_files.RunFile], None]) -> None:
    """Every service and the gateway in this process; the embedded PostgreSQL too where no address is given.

    `ready` is told where it listens, once it does.
    """
    make_keys(settings)
    async with database.server(settings):
        await _until_told(settings, "node", _host(settings, [service.name for service in NODE.services]), ready)


async def one_service(settings: NodeSettings, name: str) -> None:
    """One service (or the gateway) in this process, against a database that runs and was migrated."""
    if name not in {service.name for service in NODE.services}:
        known = ", ".join(service.name for service in NODE.services)
        raise NodeError(f"no service {name!r}; there are: {known}", f"没有服务 {name!r}；可选：{known}")
    _assert_database(settings)
    if name == GATEWAY:
        _assert_services(settings)
    await _until_told(settings, name, _host(settings, [name]))


async def relay(settings: NodeSettings) -> None:
    """The publisher in this process, against a database that runs and was migrated."""
    _assert_database(settings)
    database = _addresses(settings, [RELAY])[RELAY]
    publisher = open_publisher(
        settings.bus,
        database,
        node=settings.node,
        streams=NODE.streams,
        parts=settings.parts,
        lease=settings.lease_seconds,
    )
    if publisher is None:
        raise NodeError(
            "the bus is embedded: there is nothing to relay (CREDITMESH_BUS__KIND=kafka)",
            "总线为 embedded，无需 relay（CREDITMESH_BUS__KIND=kafka）",
        )
    await _until_told(settings, "relay", Relay(settings=settings, publisher=publisher, database=database))


def _assert_database(settings: NodeSettings) -> None:
    if settings.database is None:
        raise NodeError(
            "a process by itself needs CREDITMESH_DATABASE (postgresql://host:port/name)",
            "单独运行的进程需设置 CREDITMESH_DATABASE（postgresql://host:port/name）",
        )


def _assert_services(settings: NodeSettings) -> None:
    missing = ", ".join(sorted({service.name for service in NODE.services} - {GATEWAY} - settings.services.keys()))
    if missing:
        raise NodeError(
            f"a gateway by itself is told where every service is: CREDITMESH_SERVICES lacks {missing} (JSON: name to "
            "http://host:port)",
            f"单独运行的网关须通过 CREDITMESH_SERVICES 指明各服务地址，尚缺：{missing}",
        )


def _host(settings: NodeSettings, hosted: Sequence[str]) -> Host:
    return Host(
        declaration=NODE,
        settings=settings,
        addresses=_addresses(settings, [*hosted, BUS]),
        hosted=hosted,
        door=_door() if GATEWAY in hosted else None,
    )


def _door() -> Door:
    from creditmesh.node.door import door  # noqa: PLC0415 - no other process is a door

    return door


async def _until_told(
    settings: NodeSettings,
    name: str,
    process: Process,
    ready: Callable[[run_files.RunFile], None] = lambda _: None,
) -> None:
    logs.set_up(settings.log_level, node=settings.node, process=name)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    running: Path | None = None
    try:
        await _started(process, told)
        if not told.is_set():
            _settle_memory()
            found = _run_file(settings, process, name)
            running = run_files.write(settings.state, found)
            await asyncio.to_thread(ready, found)
            await told.wait()
    finally:
        if running is not None:
            running.unlink(missing_ok=True)
        await process.stop()


async def _started(process: Process, told: asyncio.Event) -> None:
    starting = asyncio.create_task(process.start())
    stopping = asyncio.create_task(told.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        return
    await starting


def _settle_memory() -> None:
    """What was made at the start lives as long as the process: the collector need not walk it again.

    Batches make thousands of small objects that die at once; with the default thresholds collecting them took 11 to
    47 % of the CPU of a row (`python -m bench ingest`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _addresses(settings: NodeSettings, roles: Sequence[str]) -> Mapping[str, DatabaseAddress]:
    found = database.role_addresses(settings)
    missing = set(roles) - set(found)
    if missing:
        raise NodeError(
            f"no password for the roles of {', '.join(sorted(missing))} in {settings.secrets}/roles: migrate first",
            f"{settings.secrets}/roles 中缺少 {', '.join(sorted(missing))} 的口令，请先执行 migrate",
        )
    return {role: found[role] for role in roles}


def _run_file(settings: NodeSettings, process: Process, name: str) -> run_files.RunFile:
    return run_files.RunFile(
        process=name,
        pid=os.getpid(),
        services=tuple(process.hosted),
        url=process.url,
        operator=process.operator_url,
        database=None if settings.database is None else DatabaseAddress.read(settings.database).url,
    )
