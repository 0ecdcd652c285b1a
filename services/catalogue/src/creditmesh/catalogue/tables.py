"""The table of the catalogue service: what was published, as the ground for what is published next."""

from sqlalchemy import Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

publication = Table(
    "publication",
    MetaData(schema="catalogue"),
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
