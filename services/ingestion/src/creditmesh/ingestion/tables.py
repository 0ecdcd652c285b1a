"""The tables of ingestion, as its migrations make them."""

from sqlalchemy import Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid

metadata = MetaData(schema="ingestion")

revision = Table(
    "revision",
    metadata,
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
    Column("traceparent", Text),
    Column("key", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    comment="Append-only: every change of a record is one more row, and `data` is the event that says so.",
)

submission = Table(
    "submission",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("legal_date", Date, nullable=False),
    Column("party", Text, nullable=False),
    Column("officer", Text),
    Column("item", Text, nullable=False),
    Column("item_version", Integer, nullable=False),
    Column("lane", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("receipt", Text),
)

submission_chunk = Table(
    "submission_chunk",
    metadata,
    Column("submission", Uuid, primary_key=True),
    Column("first_row", Integer, primary_key=True),
    Column("last_row", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("corrected", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),
)

review = Table(
    "review",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("legal_date", Date, nullable=False),
    Column("party", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("item_version", Integer, nullable=False),
    Column("lane", Text, nullable=False),
    Column("submission", Uuid),
    Column("row", Integer, nullable=False),
    Column("record", Uuid),
    Column("rev", Integer),
    Column("subject", Uuid, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("mac_key", Text, nullable=False),
    Column("mac_alg", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("officer", Text),
    Column("note", Text),
    Column("decided_at", DateTime(timezone=True)),
)
