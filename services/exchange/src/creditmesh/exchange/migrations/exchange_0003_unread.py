"""What bureaus were given and the exchange has not read yet is told anew, as the event that it handles now.

It used to read `access.recorded` for that, which it handles no more. To be told twice of a reading changes nothing.
"""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0003"
down_revision = "exchange_0002"
branch_labels = None
depends_on = None

# The new event is as old as the access: the first half of its id, which is the time, is the access's own.
UNREAD = """
with unread as (
    select e.part, e.id, e.key, e.at, e.legal_date, e.traceparent, convert_from(e.data, 'UTF8')::jsonb as access
      from bus.event e
     where e.stream = 'query' and e.type = 'access.recorded'
       and not exists (select from bus.event_order o
                         join exchange.reader_position p on p.stream = o.stream and p.part = o.part
                        where o.event = e.id and o.stream = 'query' and o.number <= p.number)
), told as (
    insert into bus.event (stream, part, id, type, version, key, at, legal_date, traceparent, data)
    select 'query', part, (left(id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid,
           'access.disclosed_to_bureau', 1, key, at, legal_date, traceparent,
           convert_to(jsonb_build_object(
               'access', access -> 'access', 'subject', access -> 'subject', 'party', access -> 'party',
               'records', access -> 'records', 'use_until', access -> 'use_until')::text, 'UTF8')
      from unread
     where access ->> 'caller' = 'bureau' and access ->> 'outcome' = 'released' and access ->> 'party' is not null
    returning stream, part, type, id, at
)
insert into bus.event_queue (stream, part, type, event) select stream, part, type, id from told order by at, id
"""


def upgrade() -> None:
    """Tell them."""
    script(UNREAD)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
