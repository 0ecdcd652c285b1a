"""The service's tables, as statements name them; `migrations` makes them."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

_metadata = MetaData(schema="matching")

standing = Table(
    "standing",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("record", Uuid, primary_key=True),
    Column("subject", Uuid, primary_key=True),
    Column("rev", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("handle", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("list", Text),
    Column("nature", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("mark", Text),
    Column("decided_on", Date, nullable=False),
    Column("display_from", Date, nullable=False),
    Column("display_until", Date),
    Column("since", Date, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""Who stands where by the newest revision of each record that lists somebody or is adverse; `data` is the event."""

feedback = Table(
    "feedback",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("entry", BigInteger, nullable=False),
    Column("party", Text, nullable=False),
    Column("task", Uuid, nullable=False),
    Column("record", Uuid, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("handle", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("since", Date, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("officer", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""Answers to tasks; `data` is the event of the revision that was answered, `entry` the order in which answers came."""
