"""The gateway's tables, as statements need them."""

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

METADATA = MetaData(schema="gateway")

CREDENTIAL = Table(
    "credential",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("hash_algorithm", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("party", Text),
    Column("officer", Text),
    Column("subject", Uuid),
    Column("label", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("items", ARRAY(Text)),
    Column("not_before", DateTime(timezone=True), nullable=False),
    Column("expires", DateTime(timezone=True), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked", DateTime(timezone=True)),
    Column("revoked_by", Text),
)

SECURITY_LOG = Table(
    "security_log",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("request_id", Text, nullable=False),
    Column("key", Text),
    Column("method", Text, nullable=False),
    Column("route", Text),
    Column("status", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("address", LargeBinary),
    Column("times", Integer, nullable=False),
)
