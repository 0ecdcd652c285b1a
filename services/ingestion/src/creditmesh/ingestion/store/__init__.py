"""All SQL of ingestion, by what it is about."""
