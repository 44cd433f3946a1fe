"""The serving layer: what is handed to people outside the platform, made of curated."""

from dataclasses import replace

from coin_platform.contracts.curated import DAY, PUBLICATIONS
from coin_platform.contracts.database import SOURCE
from coin_platform.contracts.model import Column, Table, Type

DAILY_EXPORTS = Table(
    layer="serving",
    name="daily_exports",
    description=(
        "Each curated table of a day as a file of CSV, safe for spreadsheets, and one of Parquet, "
        "in `serving/exports/<day>/` of the lake. The day's `manifest.json` has these columns, a "
        "row for each file."
    ),
    key=("day", "file"),
    time_column="day",
    columns=(
        DAY,
        Column("file", Type.TEXT, "Name of the file in the day's folder.", nullable=False),
        Column("table_name", Type.TEXT, "Curated table.", nullable=False),
        Column("version", Type.BIGINT, "Version of the table that was read.", nullable=False),
        Column("rows", Type.BIGINT, "Rows of the day.", nullable=False, minimum=0),
        Column("bytes", Type.BIGINT, "Size of the file.", nullable=False, minimum=1),
        Column("sha256", Type.TEXT, "SHA-256 of the file, in hex.", nullable=False),
        PUBLICATIONS.column("hours"),
        PUBLICATIONS.column("hours_missing"),
        PUBLICATIONS.column("published_at"),
        replace(SOURCE, nullable=True, values=(), description="Source of the rows; null: no rows."),
    ),
)

TABLES = (DAILY_EXPORTS,)
