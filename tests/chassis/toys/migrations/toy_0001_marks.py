"""Marks, and children of theirs that are looked at only when a transaction commits."""

from creditmesh.chassis.database.migrations import idempotency, read_write, script

revision = "toy_0001"
down_revision = None


def upgrade() -> None:
    script(
        """
        create table toy.mark (id uuid primary key, note text);
        create table toy.child (
            id uuid primary key, mark uuid references toy.mark deferrable initially deferred
        );
        """
    )
    read_write("toy.mark")
    read_write("toy.child")
    idempotency()
