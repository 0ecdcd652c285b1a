"""PostgreSQL: the embedded server, sessions, pools, roles and migrations."""
