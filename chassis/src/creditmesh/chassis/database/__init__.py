"""PostgreSQL: the embedded server, engines, roles, migrations, COPY and locks."""
