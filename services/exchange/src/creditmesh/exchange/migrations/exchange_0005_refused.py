"""What a peer sent and was refused is kept no more: of entries that were refused before, the bodies go too.

They are found by what this node signed about them, in the shape of today and in that of before.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script, service_role

revision = "exchange_0005"
down_revision = "exchange_0004"
branch_labels = None
depends_on = None

# In the text itself: a body may have the character 0, which PostgreSQL's JSON does not take apart. The line is a text
# too, so that only the entry's own body has a quotation mark right before its name.
FORGET = r"""
update exchange.received r
   set data = convert_to(
       regexp_replace(convert_from(r.data, 'UTF8'), '"body":\s*"([^"\\]|\\.)*"', '"body":null'), 'UTF8')
  from (select m.peer, m.feed, (e.entry ->> 'index')::bigint as index
          from exchange.acknowledgement_made m
         cross join lateral json_array_elements(
               coalesce((m.data::json ->> 'signed')::json, m.data::json) -> 'refused') as e(entry)) refused
 where r.peer = refused.peer and r.feed = refused.feed and r.index = refused.index;
"""


def upgrade() -> None:
    """Let the service forget a text, and forget those there are."""
    op.execute(f"grant update (data) on exchange.received to {service_role()}")
    script(FORGET)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
