"""What PostgreSQL's catalogue says of the replicated schema's tables."""

from typing import Any, NamedTuple

import psycopg

from coin_platform.resources.replication.source_column import SourceColumn

SESSION = """
    SET TIME ZONE 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres';
    SET extra_float_digits = 1; SET bytea_output = 'hex'; SET client_encoding = 'UTF8';
    SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
    SET row_security = off; SET client_connection_check_interval = '1s';
    SET application_name = 'coin_platform replication'
"""

TABLES = """
    SELECT c.oid::int8, c.relname, c.relpersistence, c.relreplident = 'f' OR EXISTS (
               SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary),
           c.relfilenode::int8,
           (SELECT coalesce(json_agg(
                       json_build_array(a.attname, a.atttypid::int8, a.atttypmod) ORDER BY a.attnum
                   ), '[]')
            FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND a.attgenerated = '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r'
    ORDER BY c.relname
"""

PRIMARY_KEY = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
    WHERE i.indrelid = %s AND i.indisprimary AND a.attnum = ANY (i.indkey)
    ORDER BY a.attnum
"""


class SourceTable(NamedTuple):
    """An ordinary table: its columns are those that logical replication carries.

    `has_identity` is false where PostgreSQL refuses UPDATE and DELETE while it is published.
    `file_node` changes when the table is rewritten or truncated.
    """

    oid: int
    name: str
    persistence: str
    has_identity: bool
    file_node: int
    columns: list[SourceColumn]

    @property
    def logged(self) -> bool:
        """Whether changes reach the log; an UNLOGGED table's do not."""
        return self.persistence == "p"


def connect(arguments: dict[str, Any]) -> psycopg.Connection:
    """A connection in autocommit whose values print in one way, whatever the role's settings."""
    connection = psycopg.connect(**arguments, autocommit=True)
    connection.execute(SESSION)
    return connection


def tables(connection: psycopg.Connection, schema: str) -> list[SourceTable]:
    """The schema's ordinary tables that have columns, by name."""
    return [
        SourceTable(oid, name, kept, identity, node, [SourceColumn(*column) for column in columns])
        for oid, name, kept, identity, node, columns in connection.execute(TABLES, [schema])
        if columns
    ]


def primary_key(connection: psycopg.Connection, oid: int) -> list[str]:
    """The names of the primary key's columns; empty where there is none."""
    return [name for (name,) in connection.execute(PRIMARY_KEY, [oid])]
