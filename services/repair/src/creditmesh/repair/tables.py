"""The tables whose rows are written as a whole, as the migrations make them; the others stand in `store` alone."""

from sqlalchemy import Boolean, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

_metadata = MetaData(schema="repair")

record = Table(
    "record",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("record", Uuid, primary_key=True),
    Column("rev", Integer, nullable=False),
    Column("corrected", Integer, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("item_version", Integer, nullable=False),
    Column("severity", Text),
    Column("state", Text, nullable=False),
    Column("mark", Text),
    Column("decided_on", Date, nullable=False),
    Column("display_from", Date, nullable=False),
    Column("display_until", Date),
    Column("party", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("case_id", Uuid),
)
"""The newest revision of each record, as far as cases go."""

case = Table(
    "case",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("record", Uuid, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("item", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("outcome_wanted", Text),
    Column("filed_on", Date, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("due", Date),
    Column("calendar", Text, nullable=False),
    Column("returned", Integer, nullable=False),
    Column("missing", ARRAY(Text), nullable=False),
    Column("appealed", Boolean, nullable=False),
    Column("final", Boolean, nullable=False),
)
"""A case as it stands; its statement is sealed."""

step = Table(
    "step",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("legal_date", Date, nullable=False),
    Column("party", Text),
    Column("officer", Text),
    Column("basis", Text),
    Column("missing", ARRAY(Text), nullable=False),
    Column("remedy", Text),
    Column("effect", Text),
    Column("sealed", LargeBinary),
)
"""The history of a case, only added to; the reason in words is sealed."""

effect = Table(
    "effect",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", Uuid, nullable=False),
    Column("effect", Text, nullable=False),
    Column("rev", Integer),
    Column("change", Text),
)
"""What a step does to the record, and the revision that did it."""

evidence = Table(
    "evidence",
    _metadata,
    Column("part", Integer, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("step", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("alg", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""The documents of a case, sealed."""
