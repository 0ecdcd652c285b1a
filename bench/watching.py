"""A table that says itself when it has what is waited for, without anybody asking it again and again.

For the time of a measurement a trigger on the table notifies this process at the commit of every statement that wrote
rows: a word for each row, made by an expression over it.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

WORDS = 100
"""Words of one notification: PostgreSQL takes less than 8,000 bytes."""
_ON = """
create function bench_{name}() returns trigger language plpgsql as $$ begin
    perform pg_notify('bench_{name}', string_agg(word, ' '))
       from (select {word} as word, (row_number() over () - 1) / {words} as line from written) each group by line;
    return null;
end $$;
create trigger bench_{name}_inserted after insert on {table}
    referencing new table as written for each statement execute function bench_{name}();
create trigger bench_{name}_updated after update on {table}
    referencing new table as written for each statement execute function bench_{name}();
"""
_OFF = """
drop trigger bench_{name}_inserted on {table};
drop trigger bench_{name}_updated on {table};
drop function bench_{name}();
"""


class Seen(dict[str, float]):
    """When each word was first told, by `time.perf_counter`."""

    def told(self, _session: object, _pid: int, _channel: str, words: object) -> None:
        """Take a notification."""
        now = time.perf_counter()
        for word in str(words).split():
            self.setdefault(word, now)


@asynccontextmanager
async def watched(session: asyncpg.Connection, table: str, word: str) -> AsyncIterator[Seen]:
    """What is written to a table from now on: `word` is the SQL text of one row, without spaces in what it makes."""
    name = table.replace(".", "_")
    seen = Seen()
    listener: Callable[..., None] = seen.told
    await session.execute(_ON.format(name=name, table=table, word=word, words=WORDS))
    await session.add_listener(f"bench_{name}", listener)
    try:
        yield seen
    finally:
        await session.remove_listener(f"bench_{name}", listener)
        await session.execute(_OFF.format(name=name, table=table))
