"""The one environment of all migrations: each package's versions on `migrate`'s connection, recorded in its schema."""

from alembic import context

from creditmesh.chassis.database.migrations import OPTION, Run

run: Run = context.config.attributes[OPTION]
context.configure(
    connection=run.connection,
    version_table="alembic_version",
    version_table_schema=run.schema,
    creditmesh=run,
)
with context.begin_transaction():
    context.run_migrations()
