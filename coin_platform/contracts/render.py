"""Contracts in the words of each engine: PostgreSQL, Spark and Arrow.

No engine is imported at module level, so that a contract costs nothing to load.
"""

from typing import TYPE_CHECKING

from coin_platform.contracts.model import Table, Type

if TYPE_CHECKING:
    import pyarrow as pa

POSTGRES_TYPES = {
    Type.INTEGER: "integer",
    Type.BIGINT: "bigint",
    Type.DOUBLE: "double precision",
    Type.TEXT: "text",
    Type.BOOLEAN: "boolean",
    Type.TIMESTAMP: "timestamptz",
    Type.DATE: "date",
}

SPARK_TYPES = {
    Type.INTEGER: "INT",
    Type.BIGINT: "BIGINT",
    Type.DOUBLE: "DOUBLE",
    Type.TEXT: "STRING",
    Type.BOOLEAN: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.DATE: "DATE",
}


def spark_columns(table: Table, *, with_constraints: bool = True) -> str:
    """Columns as Spark DDL: `name TYPE NOT NULL COMMENT '…', …`; or names and types only."""

    def column_ddl(name: str) -> str:
        column = table.column(name)
        ddl = f"`{name}` {SPARK_TYPES[column.type]}"
        if with_constraints:
            comment = column.description.replace("\\", "\\\\").replace("'", "\\'")
            ddl += f"{'' if column.nullable else ' NOT NULL'} COMMENT '{comment}'"
        return ddl

    return ", ".join(column_ddl(name) for name in table.column_names)


def arrow_type(kind: Type) -> "pa.DataType":
    """The type in Arrow; instants are microseconds in UTC."""
    import pyarrow as pa

    types = {
        Type.INTEGER: pa.int32(),
        Type.BIGINT: pa.int64(),
        Type.DOUBLE: pa.float64(),
        Type.TEXT: pa.string(),
        Type.BOOLEAN: pa.bool_(),
        Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        Type.DATE: pa.date32(),
    }
    return types[kind]


def arrow_schema(table: Table) -> "pa.Schema":
    """The table as an Arrow schema."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(column.name, arrow_type(column.type), column.nullable)
            for column in table.columns
        ]
    )


def postgres_table(table: Table, schema: str) -> str:
    """`CREATE TABLE` with its primary key and a comment on each column, ending in a newline."""
    lines = [
        f"    {column.name} {POSTGRES_TYPES[column.type]}{'' if column.nullable else ' NOT NULL'},"
        for column in table.columns
    ]
    name = f"{schema}.{table.name}"
    quoted = {
        c.name: (c.description + (f" Unit: {c.unit}." if c.unit else "")).replace("'", "''")
        for c in table.columns
    }
    return "\n".join(
        [
            f"CREATE TABLE {name} (",
            *lines,
            f"    PRIMARY KEY ({', '.join(table.key)})",
            ");",
            f"COMMENT ON TABLE {name} IS '{table.description.replace(chr(39), chr(39) * 2)}';",
            *(f"COMMENT ON COLUMN {name}.{column} IS '{text}';" for column, text in quoted.items()),
            "",
        ]
    )
