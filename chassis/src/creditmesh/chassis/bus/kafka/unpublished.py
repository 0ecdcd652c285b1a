"""What the publisher has not published yet: its own rows against the heads, and the events between."""

from collections.abc import Mapping, Sequence

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.gaps import share_of
from creditmesh.chassis.bus.position import Place
from creditmesh.chassis.bus.stream import read_stream
from creditmesh.chassis.database.session import Session

Behind = Mapping[Place, tuple[int, int]]
"""The number published and the number at the head, of the parts where they differ."""

_BEHIND = """
    select h.stream, h.part, p.number, h.number
      from bus.event_head h join bus.event_published p using (stream, part)
     where h.number > p.number and h.stream = any(:streams)
     order by h.stream, h.part
"""
_ASYNC = "set local synchronous_commit = off"  # the rows only spare repeats
_MOVE = """
    update bus.event_published p set number = greatest(p.number, m.number)
      from unnest(cast(:streams as text[]), cast(:parts as integer[]), cast(:numbers as bigint[]))
           as m(stream, part, number)
     where p.stream = m.stream and p.part = m.part
"""


async def behind(session: Session, streams: Sequence[str]) -> Behind:
    """Where something waits to be published."""
    rows = await session.fetch(_BEHIND, {"streams": list(streams)})
    return {(stream, part): (published, head) for stream, part, published, head in rows}


async def read(session: Session, waiting: Behind, *, budget: int) -> tuple[Sequence[Ordered], Mapping[Place, int]]:
    """The next events, about as many as the budget, and how far they go.

    What the stream does not have is for its readers to alarm about, not for the publisher: it passes a hole.
    """
    n = share_of([head - published for published, head in waiting.values()], budget)
    events: list[Ordered] = []
    for stream in dict.fromkeys(stream for stream, _ in waiting):
        after = {part: published for (of, part), (published, _) in waiting.items() if of == stream}
        events += await read_stream(session, stream, after=after, n=n)
    return events, {place: min(published + n, head) for place, (published, head) in waiting.items()}


async def move(session: Session, reached: Mapping[Place, int]) -> None:
    """Note how far was published; never backwards."""
    await session.begin()
    await session.execute(_ASYNC)
    await session.execute(
        _MOVE,
        {
            "streams": [stream for stream, _ in reached],
            "parts": [part for _, part in reached],
            "numbers": list(reached.values()),
        },
    )
    await session.commit()
