"""A service whose events the bus suite reads."""
