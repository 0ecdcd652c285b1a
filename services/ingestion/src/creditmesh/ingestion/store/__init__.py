"""All SQL of ingestion, by what it is about."""

from sqlalchemy.exc import IntegrityError

Collision = IntegrityError
"""Two transactions wrote the same key: roll back, read again, once more."""
