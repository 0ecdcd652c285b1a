"""What came back as entries of this node's feeds, and what it was about did not: listed until it is there again.

An entry that was fetched back points to its subject as soon as its revision stands here.
"""

from alembic import op

from creditmesh.chassis.database.migrations import read_write, script, service_role

revision = "exchange_0014"
down_revision = "exchange_0013"
branch_labels = None
depends_on = None

# `why` is null while a revision is being made again. `record` and what follows of a record's entry, `kind` of an object
# of the catalogue.
LOST = """
create table exchange.lost_entry (
    feed text not null,
    index bigint not null,
    record uuid,
    rev integer,
    change text,
    item text,
    party text,
    kind text,
    code text,
    why text,
    at timestamptz not null default now(),
    primary key (feed, index)
);
create index on exchange.lost_entry (record, rev) where record is not null;
-- What is listed and counted: of a restored province what its children send again is nearly all.
create index on exchange.lost_entry (feed, index) where why is distinct from 'copy';
insert into exchange.lost_entry (feed, index, record, rev, change, item, party, why)
select e.feed, e.index, e.record, e.rev, e.change, e.item, e.party,
       case when e.line::json ->> 'origin' = n.code then 'not_made_again' else 'copy' end
  from exchange.feed_entry e cross join bus.node n
 where e.record is not null and e.subject is null;
"""


def upgrade() -> None:
    """Make the table; what an older version fetched back is in it."""
    script(LOST)
    read_write("exchange.lost_entry")
    op.execute(f"grant update (subject, item, party) on exchange.feed_entry to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
