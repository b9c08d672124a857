"""Changes of the store's format, by alembic: the only door to it, opened for an older store only.

A new format: raise `schema.VERSION`, change `schema`, and add `versions/format_N.py` whose
`revision` is the number and whose `down_revision` the one before. It changes tables that exist;
tables that are new are made by `formats` afterwards. Add the old tables to the tests of formats.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

FIRST = 6
"""Older formats differed by missing tables only, and have no revision of their own."""


def upgrade(connection: Connection, found: int) -> None:
    """Bring the tables of format `found` to the newest, in the connection's transaction.

    `docmill_meta` says which format a store has; alembic's own table is told so first.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    command.stamp(config, str(found) if found >= FIRST else "base", purge=True)
    command.upgrade(config, "head")
