"""The row rules of a contract, applied: every rule of a row in one pass.

Judged rows carry the ids of what they broke, joined by commas, in a column for each severity.
"""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from coin_platform.contracts.model import Rule, Severity

BROKEN = {severity: f"_{severity.value}" for severity in Severity}
WRONG = (Severity.FAIL, Severity.QUARANTINE)


def judge(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """The rows with `_warn`, `_quarantine` and `_fail`: the ids of rules broken, or no text."""
    columns = {
        BROKEN[severity]: fn.concat_ws(
            ",",
            *(
                fn.when(fn.expr(rule.broken), fn.lit(rule.id))
                for rule in rules
                if rule.severity is severity
            ),
            fn.lit(None).cast("string"),
        )
        for severity in Severity
    }
    return rows.withColumns(columns)


def is_wrong() -> Column:
    """Of a judged row: whether it may not be written as it is."""
    broken = [fn.col(BROKEN[severity]) != "" for severity in WRONG]
    return reduce(lambda left, right: left | right, broken)


def all_broken() -> Column:
    """Of a judged row: the ids of everything it broke, the gravest first; null for nothing."""
    ids = [fn.when(fn.col(name) != "", fn.col(name)) for name in reversed(BROKEN.values())]
    text = fn.concat_ws(",", *ids)
    return fn.when(text != "", text)
