"""Credentials, and the log of the door's own refusals."""

from alembic import op

from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "gateway_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
create table gateway.credential (
    key text primary key check (key ~ '^[0-9A-Za-z]{12}$'),
    hash bytea not null,
    hash_key text not null,
    hash_algorithm text not null,
    kind text not null,
    party text,
    officer text,
    subject uuid,
    label text not null,
    scopes text[] not null,
    items text[],
    not_before timestamptz not null,
    expires timestamptz not null check (expires > not_before),
    created timestamptz not null,
    created_by text not null,
    revoked timestamptz,
    revoked_by text,
    check ((kind = 'subject') = (subject is not null)),
    check (kind <> 'subject' or (party is null and officer is null)),
    check (kind in ('subject', 'operator') or party is not null)
);
create index on gateway.credential (party);

-- Equal refusals of one moment are one row; `address` is a keyed hash, and nothing here names a person.
create table gateway.security_log (
    id uuid primary key,
    at timestamptz not null,
    request_id text not null,
    key text,
    method text not null,
    route text,
    status integer not null,
    reason text not null,
    address bytea,
    times integer not null check (times > 0)
);
"""


def upgrade() -> None:
    """A credential changes in one way only: it is revoked. The log does not change at all."""
    script(TABLES)
    append_only("gateway.credential")
    op.execute(f"grant update (revoked, revoked_by) on gateway.credential to {service_role()}")
    append_only("gateway.security_log")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
