"""What a node's declaration adds to the schema `bus`: heads, one reading function a stream, and the grants.

Run at the end of every migration, under the role that owns the schemas; it may be run again. A stream is read through
a function of its own, `bus.read_<stream>`, that runs with its owner's rights and is granted to the roles of that
stream's readers alone. It reads the order first, and then, in a statement of its own, each body by (part, id), in
`bus.event` or in the service's own outbox table: the two may come to lie apart, and no caller would notice. It touches
the body of no event whose type the reader does not ask for.

Who keeps rows made of a service's events, and none of their bodies, reads these by (part, id) from the view
`bus.body_<stream>` over that service's outbox.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from creditmesh.chassis.database.roles import BUS, RELAY, quoted, role_of
from creditmesh.chassis.database.session import Session

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxTable:
    """A service's insert-only table that is the body of one event type."""

    schema: str
    table: str
    type: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOf:
    """The stream of one service: who may read it, and where its bodies are."""

    service: str
    readers: frozenset[str]
    """The services whose roles read it, replicas included."""
    consumers: frozenset[str] = frozenset()
    """Those that keep a position in it: whoever else is known as one is forgotten."""
    outbox: OutboxTable | None = None
    keepers: frozenset[str] = frozenset()
    """The services that read bodies of its outbox by id."""
    whole: bool = False
    """It is followed from its first event on: nothing of it is ever pruned."""


async def declare_streams(session: Session, *, node: str, streams: Sequence[StreamOf]) -> None:
    """Make the reading functions and the head rows of these streams, and grant each role what it needs of `bus`."""
    await _run(session, _grants_of_bus(node))
    for stream in streams:
        await _heads(session, stream)
        await session.script(await _reader(session, stream))
        await session.script(_bodies(node, stream, everyone=[each.service for each in streams]))
        await _run(session, _grants_of_stream(node, stream, everyone=[each.service for each in streams]))
    for stream in streams:
        await _run(session, _grants_of_service(node, stream.service))
    await _readers(session, streams)


async def _run(session: Session, statements: Iterable[str]) -> None:
    await session.script(";".join(statements))


_PLACES = """
    insert into bus.{table} (stream, part)
    select cast(:stream as text), generate_series(0, n.parts - 1) from bus.node n on conflict do nothing
"""
_PLACES_OF = tuple(_PLACES.format(table=table) for table in ("event_head", "event_published"))
_PRUNED = _PLACES.format(table="event_pruned")
_WHOLE = "delete from bus.event_pruned where stream = :stream"
_AS_MANY = "select count(*) = (select parts from bus.node) from bus.event_head where stream = :stream"


async def _heads(session: Session, stream: StreamOf) -> None:
    of = {"stream": stream.service}
    for statement in (*_PLACES_OF, _WHOLE if stream.whole else _PRUNED):
        await session.execute(statement, of)
    if not await session.value(_AS_MANY, of):
        raise RuntimeError(
            f"stream {stream.service!r} has heads for another number of parts than the node: it is fixed for life"
        )


# Of the two `offset 0` below, the first keeps the planner from walking the whole stream in its order to save a sort: on
# an analysed table that read 40,000 rows for 200. Within the second, this is a one-time filter above the look-up; as a
# condition of the join it would be asked after the body was found.
_ASKED = "(types is null or o.type = any(types))"


async def _reader(session: Session, stream: StreamOf) -> str:
    own = "" if stream.outbox is None else f" and o.type <> '{stream.outbox.type}'"
    bodies = f"""
        select e.version, e.key, e.at, e.legal_date, e.traceparent, e.data
          from bus.event e where {_ASKED} and e.part = o.part and e.id = o.event{own}"""
    if stream.outbox is not None:
        bodies += f"\n        union all\n{await _outbox(session, stream.outbox)}"
    return f"""
create or replace function bus.{quoted(f"read_{stream.service}")}(
    parts integer[], after bigint[], n integer, types text[] default null)
returns table (part integer, number bigint, before uuid, id uuid, type text, version smallint, key text,
               at timestamptz, legal_date date, traceparent text, data bytea)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    found_parts integer[];
    found_numbers bigint[];
    found_before uuid[];
    found_events uuid[];
    found_types text[];
begin
    select array_agg(o.part), array_agg(o.number), array_agg(o.before), array_agg(o.event), array_agg(o.type)
      into found_parts, found_numbers, found_before, found_events, found_types
      from unnest(parts, after) as w(part, after)
     cross join lateral (
           select each.part, each.number, each.before, each.event, each.type from bus.event_order each
            where each.stream = '{stream.service}' and each.part = w.part
              and each.number > w.after and each.number <= w.after + n offset 0) o;
    return query
    select o.part, o.number, o.before, o.event, o.type, b.version, b.key, b.at, b.legal_date, b.traceparent, b.data
      from unnest(found_parts, found_numbers, found_before, found_events, found_types)
           as o(part, number, before, event, type)
      left join lateral (select * from ({bodies}
      ) either offset 0) b on true
     order by o.part, o.number;
end
$$"""


def _bodies(node: str, stream: StreamOf, *, everyone: Sequence[str]) -> str:
    view = f"bus.{quoted(f'body_{stream.service}')}"
    if not stream.keepers:
        return f"drop view if exists {view}"
    if stream.outbox is None:
        raise RuntimeError(f"{stream.service!r} has no outbox whose bodies could be read")
    table = f"{quoted(stream.outbox.schema)}.{quoted(stream.outbox.table)}"
    services, keepers = (
        ", ".join(quoted(role_of(node, each)) for each in some) for some in (everyone, sorted(stream.keepers))
    )
    return f"""
        create or replace view {view} as select part, id, data from {table};
        revoke all on {view} from public, {services};
        grant select on {view} to {keepers}
    """


_DATA = """
    select data_type from information_schema.columns
     where table_schema = :schema and table_name = :table and column_name = 'data'
"""


async def _outbox(session: Session, outbox: OutboxTable) -> str:
    kind = await session.value(_DATA, {"schema": outbox.schema, "table": outbox.table})
    if kind is None:
        raise RuntimeError(f"the outbox {outbox.schema}.{outbox.table} has no column 'data'")
    data = "r.data" if kind == "bytea" else "convert_to(r.data::text, 'UTF8')"
    return f"""        select {outbox.version}::smallint, r.key::text, r.at, r.legal_date, r.traceparent, {data}
          from {quoted(outbox.schema)}.{quoted(outbox.table)} r
         where {_ASKED} and o.type = '{outbox.type}' and r.part = o.part and r.id = o.event"""


def _grants_of_stream(node: str, stream: StreamOf, *, everyone: Sequence[str]) -> list[str]:
    function = f"function bus.{quoted(f'read_{stream.service}')}"
    readers = ", ".join(quoted(role_of(node, reader)) for reader in (*sorted(stream.readers), RELAY))
    services = ", ".join(quoted(role_of(node, service)) for service in everyone)  # whoever read it before
    return [f"revoke all on {function} from public, {services}", f"grant execute on {function} to {readers}"]


def _grants_of_service(node: str, service: str) -> list[str]:
    role = quoted(role_of(node, service))
    return [
        f"grant usage on schema bus to {role}",
        f"grant select on bus.node, bus.installed, bus.kept_term, bus.catching_up to {role}",
        f"grant insert on bus.event, bus.event_queue to {role}",
        f"grant execute on function bus.heads, bus.passed, bus.parked, bus.report, bus.pressure to {role}",
    ]


def _grants_of_bus(node: str) -> list[str]:
    """The orderer gives numbers and reads no body; the relay reads bodies and gives no numbers."""
    orderer, relay = quoted(role_of(node, BUS)), quoted(role_of(node, RELAY))
    return [
        f"revoke all on all tables in schema bus from {orderer}, {relay}",
        f"revoke all on all functions in schema bus from {orderer}, {relay}",
        f"grant usage on schema bus to {orderer}, {relay}",
        f"grant select on bus.node, bus.installed, bus.event_head to {orderer}, {relay}",
        f"grant execute on function bus.order_queued, bus.drop_repeated, bus.lead, bus.queue_state to {orderer}",
        f"grant select on bus.kept_term to {orderer}",
        f"grant execute on function bus.readers, bus.evict, bus.prune_events to {orderer}",
        f"grant select, update on bus.event_published to {relay}",
    ]


async def _readers(session: Session, streams: Sequence[StreamOf]) -> None:
    """Who reads a stream no more must not keep its events, nor acknowledgements that wait for every reader.

    Who is to read it is known before it first runs, unless something was pruned by then that it can read no more, or an
    operator took it off the list.
    """
    pairs = sorted((reader, stream.service) for stream in streams for reader in stream.consumers)
    declared = {"readers": [reader for reader, _ in pairs], "streams": [stream for _, stream in pairs]}
    await session.execute(_FORGET, declared)
    for reader in sorted({reader for reader, _ in pairs}):
        of_reader = [stream for each, stream in pairs if each == reader]
        table = f"{quoted(reader)}.reader_position"
        await session.execute(f"delete from {table} where stream <> all(:streams)", {"streams": of_reader})
        expected = {"reader": reader, "streams": of_reader}
        for stream, behind in await session.fetch(_EXPECT.format(positions=table), expected):
            _log.warning(
                "reader expected: start it, or evict it if it is to run no more",
                reader=reader,
                stream=stream,
                behind=behind,
            )
        await session.script(f"alter table {quoted(reader)}.dead_letter add column if not exists asked text")


_FORGET = """
    delete from bus.event_reader r
     where not exists (select from unnest(cast(:readers as text[]), cast(:streams as text[])) as d(reader, stream)
                        where d.reader = r.reader and d.stream = r.stream)
"""
_EXPECT = """
    with expected as (
        insert into bus.event_reader as r (reader, stream, part, number, at)
        select :reader, h.stream, h.part, coalesce(p.number, 0), clock_timestamp()
          from bus.event_head h
          left join {positions} p on p.stream = h.stream and p.part = h.part
         where h.stream = any(:streams)
           and not exists (select from bus.event_pruned g where g.stream = h.stream and g.number > 0)
           and not exists (select from bus.event_evicted e where e.reader = :reader and e.stream = h.stream)
            on conflict do nothing
        returning r.stream, r.part, r.number
    )
    select x.stream, sum(h.number - x.number)::bigint
      from expected x join bus.event_head h using (stream, part) group by x.stream having sum(h.number - x.number) > 0
"""
