"""The service's tables, as statements name them; `migrations` makes them."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

_metadata = MetaData(schema="query")

record = Table(
    "record",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("record", Uuid, primary_key=True),
    Column("rev", Integer, nullable=False),
    Column("revision", Uuid, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("item", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("display_from", Date, nullable=False),
    Column("display_until", Date),
    Column("data", LargeBinary, nullable=False),
)
"""The newest revision of each record; `data` is the event's JSON."""

public_record = Table(
    "public_record",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("record", Uuid, primary_key=True),
    Column("rev", Integer, nullable=False),
    Column("item", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("display_from", Date, nullable=False),
    Column("display_until", Date),
    Column("name", Text),
    Column("code", Text),
    Column("data", LargeBinary, nullable=False),
)
"""The public form of the newest revision; `data` is a `PublicRecord`'s JSON."""

access = Table(
    "access",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("access", Uuid, primary_key=True),
    Column("entry", BigInteger, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""The one log; `data` is the `AccessRecorded` JSON, `entry` the order in which lines came in."""

authorisation = Table(
    "authorisation",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("subject", Uuid, nullable=False),
    Column("bureau", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("max_uses", Integer, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Column("uses", Integer, nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
)
"""What subjects permitted: the signed text, and how often it was used."""
