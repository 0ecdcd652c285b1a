"""The read model, its public form, the one access log, and authorisations."""

from alembic import op

from creditmesh.chassis.bus.tables import positions
from creditmesh.chassis.database.migrations import (
    append_only,
    idempotency,
    partition_by_part,
    read_write,
    script,
    service_role,
)

revision = "query_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
-- The newest revision of each record: `data` is the event, the columns are what SQL asks about.
create table query.record (
    part integer not null,
    record uuid not null,
    rev integer not null,
    revision uuid not null,
    subject uuid not null,
    item text not null,
    kind text not null,
    state text not null,
    display_from date not null,
    display_until date,
    data bytea not null,
    primary key (part, record)
) partition by list (part);
create index on query.record (part, subject);

-- Masked, and of nothing but what the catalogue opens to all: there is no original here to leak.
create table query.public_record (
    part integer not null,
    record uuid not null,
    rev integer not null,
    item text not null,
    kind text not null,
    state text not null,
    display_from date not null,
    display_until date,
    name text collate "C",
    code text collate "C",
    data bytea not null,
    primary key (part, record)
) partition by list (part);
create index on query.public_record (item, record);
create index on query.public_record (name, record) where name is not null;
create index on query.public_record (code, record) where code is not null;

-- Who looked. `entry` is the order in which lines came in, so that pages lose none while others are added.
create sequence query.access_entry;
create table query.access (
    part integer not null,
    access uuid not null,
    entry bigint not null default nextval('query.access_entry'),
    subject uuid not null,
    at timestamptz not null,
    data bytea not null,
    primary key (part, access)
) partition by list (part);
create index on query.access (part, subject, entry);

-- `token` is the signed text and never changes; what happens to it stands beside it.
create table query.authorisation (
    part integer not null,
    id uuid not null,
    subject uuid not null,
    bureau text not null,
    token text not null,
    valid_from date not null,
    valid_until date not null,
    max_uses integer not null,
    given_at timestamptz not null,
    uses integer not null default 0 check (uses between 0 and max_uses),
    revoked_at timestamptz,
    primary key (part, id)
) partition by list (part);
create index on query.authorisation (part, subject, id);
"""


def upgrade() -> None:
    """Make the tables; the access log is append-only, an authorisation changes in two columns."""
    positions()
    script(TABLES)
    for table in ("record", "public_record", "access", "authorisation"):
        partition_by_part(f"query.{table}")
    read_write("query.record")
    read_write("query.public_record")
    append_only("query.access")
    append_only("query.authorisation")
    op.execute(f"grant usage on sequence query.access_entry to {service_role()}")
    op.execute(f"grant update (uses, revoked_at) on query.authorisation to {service_role()}")
    idempotency()


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
