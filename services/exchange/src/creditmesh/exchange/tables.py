"""The table that is the body of an event type, as the migrations make it; the others stand in `store` alone."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

received = Table(
    "received",
    MetaData(schema="exchange"),
    Column("part", Integer, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("legal_date", Date, nullable=False),
    Column("traceparent", Text),
    Column("peer", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("index", BigInteger, nullable=False),
    Column("record", Uuid, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    comment="Append-only: the records of peers' feeds, verified, each the body of a `record.received`.",
)
