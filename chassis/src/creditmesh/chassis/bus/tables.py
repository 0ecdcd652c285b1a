"""What a reader's migrations call: the tables of its positions and of its dead letters, in its own schema."""

from alembic import op

from creditmesh.chassis.database.migrations import OPTION, Run, read_write, script

_TABLES = """
create table {schema}.reader_position (
    stream text not null,
    part integer not null,
    number bigint not null default 0,
    last uuid,
    hint bigint,
    trying bigint,
    tries smallint not null default 0,
    primary key (stream, part)
) with (fillfactor = 50);

create table {schema}.dead_letter (
    stream text not null,
    part integer not null,
    number bigint not null,
    before uuid,
    id uuid not null,
    type text not null,
    version smallint not null,
    key text not null,
    at timestamptz not null,
    legal_date date not null,
    traceparent text,
    data bytea not null,
    error text,
    asked text,
    parked_at timestamptz not null default clock_timestamp(),
    primary key (stream, part, number)
);
create index dead_letter_of_key on {schema}.dead_letter (stream, key, number)
"""


def positions() -> None:
    """Make `reader_position` and `dead_letter` for the service whose migration runs, and grant them to its role."""
    run: Run = op.get_context().opts[OPTION]
    script(_TABLES.format(schema=run.schema))
    for table in ("reader_position", "dead_letter"):
        read_write(f"{run.schema}.{table}")
