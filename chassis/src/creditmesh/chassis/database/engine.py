"""Connections: pooled engines for statements, direct sessions for locks and LISTEN, and who connects as whom."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

SECONDS_TO_CONNECT = 10.0
SECONDS_TO_COME_BACK = 3.0
"""How long a pool waits for a server that refuses because it is starting."""
SESSION: Mapping[str, str] = {
    "TimeZone": "UTC",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",  # one plan a statement: of twelve partitions it takes milliseconds to make
    "enable_seqscan": "off",  # and one that was made while a table was small is kept while it grows
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""What every session of a service starts with; a caller may override single values."""


def engine(
    url: str | URL,
    *,
    application_name: str,
    pool_size: int = 4,
    settings: Mapping[str, str] | None = None,
) -> AsyncEngine:
    """A pool of at most `pool_size` connections; asking for one more waits 5 s and then fails.

    Nothing connects before the first use. A connection that the server has closed (a restart) is noticed when it is
    taken from the pool, without a round trip, and replaced, and a server that is starting is waited for; errors never
    show the parameters of a statement.
    """
    arguments = arguments_of(url, application_name=application_name, settings=settings)

    async def connect(**_: object) -> asyncpg.Connection:
        return await _patiently(arguments)

    made = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    event.listen(made.sync_engine, "checkout", _refuse_closed)
    event.listen(made.sync_engine, "rollback", _drop_closed)
    return made


async def answers(pool: AsyncEngine, *, seconds: float = 2.0) -> bool:
    """Whether the database behind a pool answers within that time."""
    try:
        async with asyncio.timeout(seconds), pool.connect() as connection:
            await connection.execute(text("select 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return False
    return True


async def _patiently(arguments: Mapping[str, Any]) -> asyncpg.Connection:
    # A server that restarts refuses for a second or two; that is no reason to fail a request.
    deadline = time.monotonic() + SECONDS_TO_COME_BACK
    while True:
        try:
            connection: asyncpg.Connection = await asyncpg.connect(**arguments)
        except (asyncpg.CannotConnectNowError, ConnectionRefusedError, FileNotFoundError) as error:
            if time.monotonic() >= deadline:
                raise _unconnected(error) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise _unconnected(error) from error
        else:
            return connection
        await asyncio.sleep(0.05)


def _unconnected(error: Exception) -> OperationalError:
    # Invalidated: there is no session, and nobody may take that for a refusal by the server.
    return OperationalError("connect", None, error, hide_parameters=True, connection_invalidated=True)


def _refuse_closed(
    dbapi_connection: DBAPIConnection, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    driver: asyncpg.Connection = dbapi_connection.driver_connection
    if driver.is_closed():
        raise DisconnectionError("the server has closed this connection")


def _drop_closed(connection: Connection) -> None:
    # The server rolled back when it closed the session; saying so again would hide the error that led here.
    if not connection.invalidated and connection.connection.driver_connection.is_closed():  # type: ignore[union-attr]
        connection.invalidate()


async def direct(
    url: str | URL,
    *,
    application_name: str,
    idle_session_timeout: str = "15s",
    settings: Mapping[str, str] | None = None,
) -> asyncpg.Connection:
    """One session outside any pool, for advisory locks and LISTEN.

    The server ends it, and with it its locks, when nothing was sent for `idle_session_timeout` ("0" for never); its
    holder pings it.
    """
    own = {"idle_session_timeout": idle_session_timeout, **(settings or {})}
    connection: asyncpg.Connection = await asyncpg.connect(
        **arguments_of(url, application_name=application_name, settings=own)
    )
    return connection


def arguments_of(url: str | URL, *, application_name: str, settings: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The URL as asyncpg's own arguments; `?host=/folder` names the folder of a unix socket."""
    parsed = make_url(url)
    folder = parsed.query.get("host")
    return {
        "host": folder if isinstance(folder, str) else parsed.host,
        "port": int(str(parsed.query.get("port") or parsed.port or 5432)),
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
        "timeout": SECONDS_TO_CONNECT,
        "server_settings": {**SESSION, "application_name": application_name, **(settings or {})},
    }


def urls(admin_url: str | URL, *, node: str, secrets: Path) -> dict[str, URL]:
    """The URL of every role of a node whose password file is in `secrets`, by the role's second half."""
    admin = make_url(admin_url)
    prefix = f"{node}_"
    return {
        path.name.removeprefix(prefix): admin.set(
            username=path.name, password=path.read_text(encoding="ascii").strip(), database=node
        )
        for path in sorted((secrets / "roles").glob(f"{prefix}*"))
    }
