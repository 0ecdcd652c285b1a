"""What each node answered, as ranges, in place of the highest entry and of every text that was signed.

Of the nodes further above only the highest entry is known, which says nothing of those below it: their answers begin
anew. What they had answered of marks and ends is in the certificates already.
"""

from alembic import op

from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "exchange_0007"
down_revision = "exchange_0005"
branch_labels = None
depends_on = None

ANSWERS = """
-- What nodes answered about this node's feeds, directly or through the one between.
create table exchange.answer (
    feed text not null,
    node text not null,
    applied int8multirange not null default '{}',
    refused int8multirange not null default '{}',
    primary key (feed, node)
);
create table exchange.refusal (
    feed text not null,
    node text not null,
    index bigint not null,
    code text not null,
    primary key (feed, node, index)
);
"""

# A text that was signed stands beside its signature or, before that, around it. Of an entry both refused and applied in
# two texts the applied stands; of two refusals the later.
CONVERTED = """
insert into exchange.refusal (feed, node, index, code)
select distinct on (a.feed, a.by, e.index) a.feed, a.by, e.index, e.code
  from exchange.acknowledgement a
 cross join lateral json_to_recordset(coalesce((a.data::json ->> 'signed')::json, a.data::json) -> 'refused')
       as e(index bigint, code text)
 order by a.feed, a.by, e.index, a.first desc;
insert into exchange.answer (feed, node, applied, refused)
select a.feed, a.by, range_agg(int8range(a.first, a.until)) - coalesce(r.refused, '{}'), coalesce(r.refused, '{}')
  from exchange.acknowledgement a
  left join (select feed, node, range_agg(int8range(index, index + 1)) as refused
               from exchange.refusal group by feed, node) r on r.feed = a.feed and r.node = a.by
 group by a.feed, a.by, r.refused;
drop table exchange.acknowledgement;
drop table exchange.reach;
"""


def upgrade() -> None:
    """Make the tables, and take over what is known."""
    script(ANSWERS + CONVERTED)
    for name in ("answer", "refusal"):
        append_only(f"exchange.{name}")
    op.execute(f"grant update on exchange.answer to {service_role()}")
    op.execute(f"grant delete on exchange.refusal to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
