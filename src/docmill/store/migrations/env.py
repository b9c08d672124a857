"""What alembic runs around migrations: in the transaction that holds the store's lock."""

from alembic import context

from docmill.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    transactional_ddl=True,
    version_table="docmill_alembic",
)
with context.begin_transaction():
    context.run_migrations()
