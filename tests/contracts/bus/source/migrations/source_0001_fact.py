"""An insert-only table that is the body of one event type."""

from creditmesh.chassis.database.migrations import append_only, script

revision = "source_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        create table source.fact (
            part integer not null, id uuid not null, key text not null, at timestamptz not null,
            legal_date date not null, traceparent text, data bytea not null, primary key (part, id)
        )
    """)
    append_only("source.fact")
