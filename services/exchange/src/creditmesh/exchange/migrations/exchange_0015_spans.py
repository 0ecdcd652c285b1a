"""What a node answered is a row for each 4,096 entries: an answer costs what it says, however the others lie.

What was taken as said by this node itself, or of it by a peer, goes.
"""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0015"
down_revision = "exchange_0014"
branch_labels = None
depends_on = None

OWN = """
delete from exchange.answer a using bus.node n where a.node = n.code;
delete from exchange.refusal r using bus.node n where r.node = n.code;
delete from exchange.unnamed u using bus.node n where u.node = n.code;
delete from exchange.chain c using bus.node n where c.node = n.code and c.peer <> n.code;
"""
# The first row of a node is held by whoever adds to its answers.
SPANS = """
alter table exchange.answer drop constraint answer_pkey, add column span bigint;
with whole as (
    delete from exchange.answer where span is null returning feed, node, applied, refused
), cut as (
    select feed, node, span, kind, int8range(greatest(lower(r), span * 4096), least(upper(r), (span + 1) * 4096)) as r
      from (select feed, node, 'applied' as kind, unnest(applied) as r from whole
             union all
            select feed, node, 'refused', unnest(refused) from whole) e
     cross join generate_series(lower(r) / 4096, (upper(r) - 1) / 4096) as span
     union all
    select feed, node, 0, 'none', 'empty' from whole
)
insert into exchange.answer (feed, node, span, applied, refused)
select feed, node, span, coalesce(range_agg(r) filter (where kind = 'applied'), '{}'),
       coalesce(range_agg(r) filter (where kind = 'refused'), '{}')
  from cut group by feed, node, span;
alter table exchange.answer add primary key (feed, node, span);
"""


def upgrade() -> None:
    """Cut the rows."""
    script(OWN + SPANS)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
