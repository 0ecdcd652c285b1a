"""HTTP in: the application of a service, its problems, its callers."""
