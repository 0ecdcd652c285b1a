"""The table that is record, history and event at once, as the migrations make it; the others stand in `store` alone."""

from sqlalchemy import Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

revision = Table(
    "revision",
    MetaData(schema="ingestion"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("legal_date", Date, nullable=False),
    Column("part", Integer, primary_key=True),
    Column("rev", Integer, nullable=False),
    Column("item_version", Integer, nullable=False),
    Column("id", Uuid, primary_key=True),
    Column("record", Uuid, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("submission", Uuid),
    Column("natural_key", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("mac_key", Text, nullable=False),
    Column("mac_alg", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("mark", Text),
    Column("traceparent", Text),
    Column("key", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    comment="Append-only: every change of a record is one more row, and `data` is the event that says so.",
)
