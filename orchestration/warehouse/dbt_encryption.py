"""What dbt-duckdb does to the connections of dbt, so that they can be to an encrypted warehouse.

Belongs here: the plugin that the profile names, by the interface of dbt-duckdb. Not here: how a
file is attached (`ground.encryption`), or how dbt is run (`dbt_build`).

The profile says no more than the address: dbt may log what stands there, and keep it in its files.
"""

from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.ground import encryption


class Plugin(BasePlugin):
    """Attaches the file that the address stands for; an address that is a file stays as it is."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Have what is spilled encrypted, too."""
        if encryption.file_at(creds.path):
            config.update(encryption.SPILLS_ENCRYPTED)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach the file to the connection from which all others come."""
        if file := encryption.file_at(self.creds.path):
            encryption.attach_warehouse(conn, file)

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Have the statements of each of those mean that file."""
        if encryption.file_at(self.creds.path):
            cursor.execute(encryption.USE_WAREHOUSE)
