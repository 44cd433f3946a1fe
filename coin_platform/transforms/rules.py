"""The row rules of a contract, applied: every rule of a row in one pass.

Judged rows carry the ids of what they broke, joined by commas, in columns that are null for most.
"""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from coin_platform.contracts.model import Rule, Severity

JUDGEMENT = FAILED, WRONG, BROKEN = "_failed", "_wrong", "_broken"
GRAVE = (Severity.FAIL, Severity.QUARANTINE)


def judge(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """The rows with three columns of rules broken.

    `_failed` has the ids of failing rules, `_broken` those of all, the gravest first, both null for
    none; `_wrong` says whether a row may not be written as it is.
    """
    failing, grave = ([r for r in rules if r.severity in of] for of in ((Severity.FAIL,), GRAVE))
    gravest_first = sorted(
        rules, key=lambda rule: list(Severity).index(rule.severity), reverse=True
    )
    return rows.withColumns(
        {FAILED: ids(failing), WRONG: breaks_any(grave), BROKEN: ids(gravest_first)}
    )


def breaks_any(rules: Sequence[Rule]) -> Column:
    broken = [fn.expr(rule.broken) for rule in rules]
    return fn.coalesce(
        reduce(lambda left, right: left | right, broken, fn.lit(False)), fn.lit(False)
    )


def ids(rules: Sequence[Rule]) -> Column:
    """The ids of those that a row breaks; null for none.

    Texts are put together for rows that break any, which are few: for all rows it took as long as
    writing them.
    """
    broken = (fn.when(fn.expr(rule.broken), fn.lit(rule.id)) for rule in rules)
    return fn.when(breaks_any(rules), fn.concat_ws(",", *broken, fn.lit(None).cast("string")))


def is_wrong() -> Column:
    """Of a judged row: whether it may not be written as it is."""
    return fn.col(WRONG)


def all_broken() -> Column:
    """Of a judged row: the ids of everything it broke, the gravest first; null for nothing."""
    return fn.col(BROKEN)
