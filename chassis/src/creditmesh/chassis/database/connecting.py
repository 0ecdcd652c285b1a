"""One connection: how it is opened, what its session starts with, and when it is given up.

Every statement has a deadline on both sides. The server ends its own (`statement_timeout`); the driver ends the wait
for a server, or a network, that has gone silent, and the kernel tells an idle connection that its peer is gone.
"""

import asyncio
import os
import socket
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, ClassVar

import asyncpg

from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.errors import DRIVERS, DatabaseError

SECONDS_TO_CONNECT = 10.0
SECONDS_TO_COME_BACK = 3.0
"""How long a server that refuses because it is starting is waited for."""
SECONDS_TO_ANSWER = 20.0
"""The driver's deadline for one statement: above the server's own, which is 15 s."""
SETTINGS: Mapping[str, str] = {
    "TimeZone": "UTC",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",  # one plan a statement: of twelve partitions it takes milliseconds to make
    "enable_seqscan": "off",  # and one that was made while a table was small is kept while it grows
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "10s",
    "client_connection_check_interval": "1s",  # who has gone holds no locks until the statement's own deadline
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""What every session of a service starts with; a caller may override single values."""
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 15_000}
"""The kernel's own deadlines, in seconds and the last in milliseconds; not every system has them all."""
_STATEMENTS_KEPT = 500
_CLOSED = (
    "connect: this role is not let in until `creditmesh-node migrate` has ended well (or this is another node's); "
    "start again then / migrate 成功完成之前数据库拒绝连接（或属于其他节点），请之后再启动"
)


class Row(asyncpg.Record):
    """A row: by place, by `row["name"]`, and by `row.name` where a record has no method of that name."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


_OWN_TYPES = 10_000
"""The server's own types have numbers below, the same in every database of every server."""


class _Driver(asyncpg.Connection):
    """The driver asks each session anew what an array is made of, which costs the server 5 ms; this one a process.

    What an application declares may differ from database to database and is asked each time, as by any driver.
    """

    _known: ClassVar[dict[frozenset[int], Any]] = {}

    async def _introspect_types(self, typeoids: Collection[int], timeout: float | None) -> tuple[Any, Any]:  # noqa: ASYNC109 - the driver's
        asked = frozenset(typeoids)
        if asked in self._known:
            return self._known[asked], SimpleNamespace(name="none was prepared")
        found, statement = await super()._introspect_types(typeoids, timeout)  # type: ignore[misc]
        if max(asked) < _OWN_TYPES:
            self._known[asked] = found
        return found, statement


async def connect(
    address: DatabaseAddress,
    *,
    application_name: str,
    settings: Mapping[str, str] | None = None,
    seconds_to_answer: float | None = SECONDS_TO_ANSWER,
) -> asyncpg.Connection:
    """A connection to the host that takes writes; DatabaseError, as a lost session, if there is none in time.

    A server that restarts refuses for a second or two; that is waited out. The server knows the session by that name
    and the id of the process, so that `migrate` can name who is connected.
    """
    asked = {**SETTINGS, "application_name": f"{application_name} [{os.getpid()}]", **(settings or {})}
    deadline = time.monotonic() + SECONDS_TO_COME_BACK
    while True:
        try:
            return await _first(address, asked, seconds_to_answer)
        except (asyncpg.CannotConnectNowError, ConnectionRefusedError, FileNotFoundError) as error:
            if time.monotonic() >= deadline:
                raise DatabaseError.of(error, "connect", lost=True) from None
        except asyncpg.InsufficientPrivilegeError as error:
            raise DatabaseError.of(error, _CLOSED, lost=True) from None
        except (*DRIVERS, ValueError) as error:
            raise DatabaseError.of(error, "connect", lost=True) from None
        await asyncio.sleep(0.05)


async def _first(address: DatabaseAddress, asked: Mapping[str, str], seconds: float | None) -> asyncpg.Connection:
    """The first host that will do. The driver has one deadline for all of them: a silent one would use it up."""
    *others, last = address.hosts
    share = SECONDS_TO_CONNECT / (len(others) + 1)
    for host in others:
        with suppress(*DRIVERS):
            return await _open(host, asked, seconds_to_connect=share, seconds_to_answer=seconds)
    return await _open(last, asked, seconds_to_connect=share, seconds_to_answer=seconds)


async def _open(
    host: DatabaseAddress, asked: Mapping[str, str], *, seconds_to_connect: float, seconds_to_answer: float | None
) -> asyncpg.Connection:
    connection: asyncpg.Connection = await asyncpg.connect(
        host.dsn,
        user=host.user,
        password=host.password,
        database=host.database,
        timeout=seconds_to_connect,
        command_timeout=seconds_to_answer,
        statement_cache_size=_STATEMENTS_KEPT,
        max_cached_statement_lifetime=0,
        connection_class=_Driver,
        record_class=Row,
        server_settings=dict(asked),
    )
    _keep_alive(connection)
    return connection


def _keep_alive(connection: asyncpg.Connection) -> None:
    # The driver sets nothing on its socket and has no option for it: the kernel's default is two hours.
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined] # noqa: SLF001
    own: socket.socket | None = transport.get_extra_info("socket")
    if own is None or own.family == socket.AF_UNIX:
        return
    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):
            own.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def direct(
    address: DatabaseAddress,
    *,
    application_name: str,
    idle_session_timeout: str = "15s",
    settings: Mapping[str, str] | None = None,
) -> asyncpg.Connection:
    """One connection outside any pool, for advisory locks and LISTEN.

    The server ends it, and with it its locks, when nothing was sent for `idle_session_timeout` ("0" for never); its
    holder pings it.
    """
    own = {"idle_session_timeout": idle_session_timeout, **(settings or {})}
    return await connect(address, application_name=application_name, settings=own)
