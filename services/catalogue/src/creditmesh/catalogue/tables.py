"""The tables of the catalogue service: what was published, the ground for what comes next; what was refused."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

_SCHEMA = MetaData(schema="catalogue")

publication = Table(
    "publication",
    _SCHEMA,
    Column("kind", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("effective", Date, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("basis", Text),
    Column("digest", LargeBinary, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by", Text, nullable=False),
)

refused_entry = Table(
    "refused_entry",
    _SCHEMA,
    Column("peer", Text, primary_key=True),
    Column("feed", Text, primary_key=True),
    Column("index", BigInteger, primary_key=True),
    Column("kind", Text),
    Column("code", Text),
    Column("body", Text, nullable=False),
    Column("errors", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
