"""What others said is passed on as it came: the range of each verified head is kept, and where each key of a copy is.

And what was not proven to be of its origin.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
from alembic import op
from sqlalchemy import text

from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "exchange_0030"
down_revision = "exchange_0029"
branch_labels = None
depends_on = None

# `stack`: null of a head that an older version verified, but for the last.
ORIGINS = """
alter table exchange.copy_checkpoint add column stack bytea;
update exchange.copy_checkpoint c set stack = h.stack
  from exchange.copy_head h where h.peer = c.peer and h.feed = c.feed and h.size = c.size;
create table exchange.copied_key (
    peer text not null,
    key text not null,
    index bigint not null,
    primary key (peer, key, index)
);
create table exchange.unproven_entry (
    peer text not null,
    feed text not null,
    index bigint not null,
    primary key (peer, feed, index)
)
"""
# They are read here and not by the database, which cannot read every text that a peer may have sent; some at a time,
# and by no cursor, which would keep later migrations of the same upgrade from changing the table.
PAGES = """
select peer, data, id, part from exchange.received_page
 where feed = 'up' and position(convert_to('feed.key', 'UTF8') in data) > 0 and (id, part) > (:id, :part)
 order by id, part limit :some
"""
NOTE = "insert into exchange.copied_key (peer, key, index) values (:peer, :key, :index)"
AT_ONCE = 50
LONGEST = 64


def upgrade() -> None:
    """Make the column and the tables, and read the pages once for the keys in them."""
    script(ORIGINS)
    places = {place for peer, data in _pages() for place in _keys(peer, data)}
    if places:
        names = ("peer", "key", "index")
        op.get_bind().execute(text(NOTE), [dict(zip(names, place, strict=True)) for place in places])
    for name in ("copied_key", "unproven_entry"):
        append_only(f"exchange.{name}")
    op.execute(f"grant delete on exchange.unproven_entry to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError


def _pages() -> Iterator[tuple[str, bytes]]:
    place = {"id": UUID(int=0), "part": -1}
    while rows := op.get_bind().execute(text(PAGES), {**place, "some": AT_ONCE}).all():
        yield from ((row.peer, row.data) for row in rows)
        place = {"id": rows[-1].id, "part": rows[-1].part}


def _keys(peer: str, data: bytes) -> Iterator[tuple[str, str, int]]:
    for entry in orjson.loads(data)["entries"]:
        key = _members(entry.get("body")).get("key")
        if _members(entry["line"]).get("type") != "feed.key" or not isinstance(key, str):
            continue
        if key.isprintable() and 0 < len(key) <= LONGEST:
            yield peer, key, entry["index"]


def _members(said: str | None) -> dict[str, Any]:
    """What stands in the JSON; nothing where it is none, or no object."""
    try:
        found = orjson.loads(said or "")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
