"""One node put together: which services, which gateway, in one process or many."""
