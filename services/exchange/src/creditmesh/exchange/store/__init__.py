"""All SQL of exchange, by what it is about."""
