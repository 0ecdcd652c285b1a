"""What an entry says became of its record stands with its place, and what was refused of a copy in rows of its own.

Of places noted before, the change is read off their pages when it is asked for. What a copy holds back is found by the
same places, so that no table of its own is needed for it.
"""

from creditmesh.chassis.database.migrations import read_write, script, service_role

revision = "exchange_0017"
down_revision = "exchange_0016"
branch_labels = None
depends_on = None

TABLES = """
-- `change` is null where the revision was noted by a version before this column.
alter table exchange.sent_revision add column change text;
drop table exchange.held_entry;

-- Of what waits it is told that it does; of what began to wait before this it has to be told still.
alter table exchange.waiting add column unsaid boolean not null default false;
update exchange.waiting set unsaid = true;

-- The entries of a copy that this node has refused and has not applied since; no such as wait.
create table exchange.refused_entry (
    peer text not null,
    feed text not null,
    index bigint not null,
    code text not null,
    primary key (peer, feed, index)
);
"""
# Each answer counts for all that it is about, the newest last.
REFUSED = """
do $$
declare
    made record;
begin
    for made in select peer, feed, first, until, data from exchange.acknowledgement_made order by number loop
        delete from exchange.refused_entry r
         where r.peer = made.peer and r.feed = made.feed and r.index >= made.first and r.index < made.until;
        insert into exchange.refused_entry (peer, feed, index, code)
        select made.peer, made.feed, r.index, r.code
          from jsonb_to_recordset(cast(made.data as jsonb) -> 'refused') as r(index bigint, code text)
         where r.code not in ('newer_version', 'not_judged')
            on conflict do nothing;
    end loop;
end
$$;
"""


def upgrade() -> None:
    """Make room for the change, and take what was refused out of what was answered."""
    script(TABLES)
    script(REFUSED)
    script(f"grant update (change) on exchange.sent_revision to {service_role()}")
    read_write("exchange.refused_entry")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
