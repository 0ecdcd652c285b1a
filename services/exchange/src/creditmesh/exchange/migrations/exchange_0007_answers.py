"""What each node answered, as ranges, in place of the highest entry and of every text that was signed.

Of the nodes further above only the highest entry is known, which says nothing of those below it: their answers begin
anew. What they had answered of marks and ends is in the certificates already.
"""

import json
from datetime import UTC, datetime

from alembic import op
from sqlalchemy import text

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.database.migrations import append_only, parts, script, service_role
from creditmesh.chassis.ids import new_id
from creditmesh.schemas.exchange import EntryLine
from creditmesh.schemas.rules.calendar import shanghai_day

revision = "exchange_0007"
down_revision = "exchange_0006"
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

-- What nodes above signed about themselves, as each peer passed it on; `offered`: what the keys before did not sign.
create table exchange.chain (
    peer text not null,
    node text not null,
    data text not null,
    offered text,
    primary key (peer, node)
);
-- What a peer relayed of a node whose row has not come yet.
create table exchange.relayed (
    peer text not null,
    index bigint not null,
    node text not null,
    body text not null,
    primary key (peer, index)
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
insert into exchange.answer (feed, node, applied)
select feed, by, range_agg(applied)
  from (select a.feed, a.by,
               int8multirange(int8range(a.first, a.until))
               - (select coalesce(range_agg(int8range(e.index, e.index + 1)), '{}')
                    from json_to_recordset(coalesce((a.data::json ->> 'signed')::json, a.data::json) -> 'refused')
                         as e(index bigint)) as applied
          from exchange.acknowledgement a) each_text
 group by feed, by;
delete from exchange.refusal r using exchange.answer a
 where a.feed = r.feed and a.node = r.node and a.applied @> r.index;
update exchange.answer a
   set refused = (select coalesce(range_agg(int8range(r.index, r.index + 1)), '{}') from exchange.refusal r
                   where r.feed = a.feed and r.node = a.node);
drop table exchange.acknowledgement;
drop table exchange.reach;
"""

# What was judged is signed when it leaves: what was signed before is signed anew.
UNSIGNED = """
alter table exchange.acknowledgement_made add column tracked bigint[] not null default '{}',
                                          add column records uuid[] not null default '{}',
                                          add column stream text not null default 'ingestion',
                                          add column number bigint generated always as identity;
-- An entry that had to wait is judged once more.
alter table exchange.acknowledgement_made drop constraint acknowledgement_made_pkey,
                                          add primary key (peer, feed, first, number);
update exchange.acknowledgement_made set data = coalesce(data::json ->> 'signed', (data::jsonb - 'signature')::text)
 where data::jsonb ? 'signature';
"""

UNSHARED = """
select t.* from exchange.told t
 where not exists (select from exchange.feed_entry e where e.feed = 'up' and e.record = t.record)
"""
# What an older version could not read of a `down` is kept by the catalogue, if that is on this database.
UNREAD = "select peer, feed, index, body from catalogue.refused_entry where kind = 'node' order by peer, feed, index"
EVENT = """
insert into bus.event (stream, part, id, type, version, key, at, legal_date, data)
values ('exchange', :part, :id, 'holder.changed', 2, :key, now(), :legal_date, convert_to(:data, 'UTF8'))
"""
PAGE = """
insert into exchange.received_page (part, id, key, at, legal_date, peer, feed, first, until, records, revs, data)
values (:part, :id, :key, now(), :legal_date, :peer, :feed, :index, :index + 1, array[null]::uuid[],
        array[null]::integer[], convert_to(:data, 'UTF8'))
"""
QUEUE = "insert into bus.event_queue (stream, part, type, event) values ('exchange', :part, :type, :id)"


def upgrade() -> None:
    """Make the tables, and take over what is known."""
    script(ANSWERS + CONVERTED + UNSIGNED)
    for name, right in (("answer", "update"), ("refusal", "delete"), ("chain", "update"), ("relayed", "delete")):
        append_only(f"exchange.{name}")
        op.execute(f"grant {right} on exchange.{name} to {service_role()}")
    _tell_unshared()
    _tell_unread()


def _tell_unshared() -> None:
    """Of marks and ends that were never in a feed it is told that nobody above has to answer for them."""
    node = op.get_bind().execute(text("select code from bus.node")).scalar_one()
    for told in op.get_bind().execute(text(UNSHARED)).mappings().all():
        said = {"holder": node, "kind": "node", "outcome": "unshared", **told}
        _tell(EVENT, "holder.changed", str(told["subject"]), said)


def _tell_unread() -> None:
    """Rows of nodes that an older version could not read are told once more, each as a page of its own."""
    if op.get_bind().execute(text("select to_regclass('catalogue.refused_entry')")).scalar_one() is None:
        return
    for row in op.get_bind().execute(text(UNREAD)).mappings().all():
        line = EntryLine(type="catalogue", at=datetime.now(UTC), commitment="0" * 64).model_dump_json()
        entry = {"index": row["index"], "line": line, "salt": None, "body": row["body"]}
        place = {"peer": row["peer"], "feed": row["feed"]}
        said = {**place, "first": row["index"], "until": row["index"] + 1, "entries": [entry]}
        _tell(PAGE, "page.received", f"{row['peer']}/{row['feed']}", said, **place, index=row["index"])


def _tell(statement: str, type_: str, key: str, data: dict[str, object], **more: object) -> None:
    place = {"part": part_of(key, parts()), "id": new_id()}
    said = {"key": key, "legal_date": shanghai_day(datetime.now(UTC)), "data": json.dumps(data, default=str)}
    op.get_bind().execute(text(statement), {**place, **said, **more})
    op.get_bind().execute(text(QUEUE), {**place, "type": type_})


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
