"""What the files of migrations call: they know the node's number of parts and the role of the service."""

from dataclasses import dataclass

from alembic import op
from sqlalchemy import Connection

from creditmesh.chassis.database.roles import quoted, role_of
from creditmesh.chassis.facts import Facts

OPTION = "creditmesh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One package's versions being run: what these functions look at."""

    connection: Connection
    schema: str
    facts: Facts


def _run() -> Run:
    run: Run = op.get_context().opts[OPTION]
    return run


def parts() -> int:
    """The node's number of parts."""
    return _run().facts.parts


def sandbox() -> bool:
    """Whether the node is a sandbox."""
    return _run().facts.sandbox


def service_role() -> str:
    """The role of the service whose migration runs, quoted for SQL."""
    run = _run()
    return quoted(role_of(run.facts.code, run.schema))


def script(statements: str) -> None:
    """Run several statements, separated by semicolons, without parameters, in the migration's transaction."""
    connection = op.get_bind()
    connection.exec_driver_sql("select 1")  # begins the transaction, which the driver alone would not
    raw = connection.connection.dbapi_connection
    if raw is None:
        raise RuntimeError("the migration has lost its connection")
    raw.run_async(lambda driver: driver.execute(statements))


def partition_by_part(table: str) -> None:
    """Make the partitions of a table declared `partition by list (part)`: one for each part of the node."""
    name = _table(table)
    own = name.rstrip('"')
    script(
        ";".join(f'create table {own}_{part}" partition of {name} for values in ({part})' for part in range(parts()))
    )


def append_only(table: str) -> None:
    """The service may read and add rows; it holds no right to change or remove one."""
    _grant("select, insert", table)


def read_write(table: str) -> None:
    """The service may read, add, change and remove rows."""
    _grant("select, insert, update, delete", table)


def idempotency() -> None:
    """Make the service's table of Idempotency-Keys: a digest and a reference for each, never an answer."""
    schema = quoted(_run().schema)
    script(
        f"create table {schema}.idempotency ("
        " owner text not null, key text not null, digest bytea not null, reference uuid not null,"
        " at timestamptz not null, primary key (owner, key));"
        f"create index on {schema}.idempotency (at)"
    )
    _grant("select, insert, delete", f"{_run().schema}.idempotency")


def _grant(rights: str, table: str) -> None:
    op.execute(f"grant {rights} on {_table(table)} to {service_role()}")


def _table(table: str) -> str:
    schema, _, name = table.partition(".")
    return f"{quoted(schema)}.{quoted(name)}"
