"""Readings that the exchange has among its dead letters, or behind one, are told anew like those it had not read.

Nobody handles `access.recorded` here any more: such a letter could only be dropped, and what a bureau holds forgotten.
"""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0004"
down_revision = "exchange_0003"
branch_labels = None
depends_on = None

# As in the migration before this one; to be told twice of a reading changes nothing.
TOLD = """
with gone as (
    delete from exchange.dead_letter where type = 'access.recorded'
    returning part, id, key, at, legal_date, traceparent, convert_from(data, 'UTF8')::jsonb as access
), told as (
    insert into bus.event (stream, part, id, type, version, key, at, legal_date, traceparent, data)
    select 'query', part, (left(id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid,
           'access.disclosed_to_bureau', 1, key, at, legal_date, traceparent,
           convert_to(jsonb_build_object(
               'access', access -> 'access', 'subject', access -> 'subject', 'party', access -> 'party',
               'records', access -> 'records', 'use_until', access -> 'use_until')::text, 'UTF8')
      from gone
     where access ->> 'caller' = 'bureau' and access ->> 'outcome' = 'released' and access ->> 'party' is not null
    returning stream, part, type, id, at
)
insert into bus.event_queue (stream, part, type, event) select stream, part, type, id from told order by at, id
"""

# What waited behind such a letter, of a type that is handled, is tried as soon as the exchange runs.
PROMOTED = """
alter table exchange.dead_letter add column if not exists asked text;
update exchange.dead_letter d set error = 'its turn has come', asked = 'retry'
 where d.error is null
   and not exists (select from exchange.dead_letter e
                    where e.stream = d.stream and e.key = d.key and e.number < d.number)
"""


def upgrade() -> None:
    """Tell them."""
    script(TOLD)
    script(PROMOTED)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
