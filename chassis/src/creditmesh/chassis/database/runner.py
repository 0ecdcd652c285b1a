"""Running one package's migrations: Alembic, on SQLAlchemy's own connection, in one transaction.

Both take longer to load than all else of a process that upgrades nothing, so that `migrating` loads this when a
package is behind, and nobody else does.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from creditmesh.chassis.database.migrations import OPTION, Run
from creditmesh.chassis.database.versions import Migrated
from creditmesh.chassis.facts import Facts


async def run_versions(
    opened: Callable[[], Awaitable[asyncpg.Connection]], package: Migrated, *, versions: Path, facts: Facts
) -> None:
    """Bring the package's schema to the newest of its versions, in a session that `opened` makes."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=opened, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade, package.name, versions, facts)


def _upgrade(connection: Connection, schema: str, versions: Path, facts: Facts) -> None:
    config = config_of(versions)
    config.attributes[OPTION] = Run(connection=connection, schema=schema, facts=facts)
    command.upgrade(config, "head")


def config_of(versions: Path) -> Config:
    """What Alembic has to know to run the versions of a folder."""
    config = Config()
    config.set_main_option("script_location", _escaped(Path(__file__).parent / "alembic"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _escaped(versions))
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
