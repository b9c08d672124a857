"""Format 6: amounts of money need 64 bits, which PostgreSQL doesn't give to every integer.

SQLite rebuilds a table that `batch_alter_table` changes. One that others refer to (`runs`,
`batches`) can't be rebuilt while foreign keys are enforced: give those new columns only.
"""

import sqlalchemy as sa
from alembic import op

revision = "6"
down_revision = None


def upgrade() -> None:
    """From any of the formats 1 to 5; of those some lack these tables."""
    tables = sa.inspect(op.get_bind()).get_table_names()
    for table, column in (("balances", "used"), ("reservations", "amount")):
        if table in tables:
            with op.batch_alter_table(table) as batch:
                batch.alter_column(column, type_=sa.BigInteger(), existing_nullable=False)
