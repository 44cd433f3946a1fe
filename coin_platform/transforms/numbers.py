"""Arithmetic on doubles whose result does not depend on the order in which rows come.

Engines add in whatever order threads deliver; doubles then differ in their last digits from run to
run. Sums here add in ascending order instead.
"""

import sys

from pyspark.sql import Column
from pyspark.sql import functions as fn


def is_finite(column: Column) -> Column:
    """True of numbers; false of null, NaN and the infinities."""
    usable = ~fn.isnan(column) & (fn.abs(column) <= fn.lit(sys.float_info.max))
    return fn.coalesce(usable, fn.lit(False))


def finite(column: Column) -> Column:
    """The number, or null in place of NaN and the infinities."""
    return fn.when(is_finite(column), column)


def ratio(part: Column, whole: Column) -> Column:
    """The quotient; null where the divisor is 0, which would stop the query."""
    return part / fn.when(whole != 0, whole)


def ordered(column: Column) -> Column:
    """Aggregate: the finite numbers of a group, ascending."""
    return fn.array_sort(fn.collect_list(finite(column)))


def ascending(numbers: Column) -> Column:
    """The finite numbers of an array, ascending."""
    return fn.array_sort(fn.filter(numbers, is_finite))


def total(numbers: Column) -> Column:
    """The sum of an array of numbers; null for an empty one."""
    summed = fn.aggregate(numbers, fn.lit(0.0), lambda so_far, number: so_far + number)
    return fn.when(fn.size(numbers) > 0, summed)


def mean(numbers: Column) -> Column:
    """The mean of an array of numbers; null for an empty one."""
    return ratio(total(numbers), fn.size(numbers))


def sample_deviation(numbers: Column, centre: Column, at_least: int) -> Column:
    """Standard deviation of an array of numbers, n - 1 in the denominator.

    `centre` is their `mean`, as a column of its own: an engine computes an expression in a lambda
    once for each element. Null with fewer than `at_least` numbers, which is two or more.
    """
    squares = fn.transform(numbers, lambda number: (number - centre) * (number - centre))
    return fn.when(
        fn.size(numbers) >= at_least, fn.sqrt(ratio(total(squares), fn.size(numbers) - 1))
    )
