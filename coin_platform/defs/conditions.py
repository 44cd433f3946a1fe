"""When tables refresh themselves."""

import dagster as dg

from coin_platform.contracts import curated, processed
from coin_platform.defs.tables import key_of

_condition = dg.AutomationCondition

# What the ledger accounts for; curated waits for the ledger instead.
_ACCOUNTED = dg.AssetSelection.assets(
    *(key_of(table) for table in processed.TABLES if table is not processed.LEDGER)
)
_CURATED = dg.AssetSelection.assets(*(key_of(table) for table in curated.TABLES))
_QUIET = ~_condition.any_deps_in_progress() & ~_condition.in_progress()

# The jobs of an hour close its ledger. This is for a table that was materialized alone.
WHEN_PROCESSED_CHANGES = (
    _condition.any_deps_match(_condition.newly_updated())
    .allow(_ACCOUNTED)
    .since(_condition.newly_requested() | _condition.newly_updated())
    .with_label("a table it accounts for changed since it was last closed")
    & _QUIET
    & _condition.all_deps_blocking_checks_passed()
).with_label("when processed changes")

# The exports of a day follow its tables, once all of them are there and checked.
WHEN_CHECKED_DAYS_CHANGE = (
    _condition.any_deps_match(_condition.newly_updated())
    .since(_condition.newly_requested())
    .with_label("a curated table of the day changed since its export was last requested")
    & _QUIET
    & ~_condition.any_deps_missing()
    & ~_condition.any_deps_match(_condition.will_be_requested())
    & _condition.all_deps_blocking_checks_passed()
).with_label("when checked days change")

# A day follows every change behind it, also of a day long past: a late hour reopens its day.
# Only a request settles a change, and only one that came after it: a run that was under way may
# not have read it. `any_deps_updated().since_last_handled()` forgets such a change, because its
# parts do not keep the times of events; this shape does.
# An hour that does not balance does not hold back its day: the jobs leave it out, and say so.
_ARRIVED = (
    _condition.any_deps_match(_condition.newly_updated())
    .ignore(_ACCOUNTED)
    .since(_condition.newly_requested())
    .with_label("the ledger or a table behind it changed since it was last requested")
)
WHEN_CHECKED_DATA_ARRIVES = (_ARRIVED & _QUIET).with_label("when checked data arrives")

# The page follows its tables and also their checks, which look at a table only after it was
# written, and whose verdicts publish or hold the page. It waits while a table behind it is to be
# refreshed, so that an hour is published once: `will_be_requested()` would not see that, because
# the page has other partitions than they have.
WHEN_SHOWN_DATA_CHANGES = (
    _condition.any_deps_match(
        _condition.newly_updated() | _condition.any_checks_match(_condition.newly_updated())
    )
    .since(_condition.newly_requested())
    .with_label("a table behind the page, or a check of one, changed since it was last requested")
    & _QUIET
    & ~_condition.any_deps_match(_ARRIVED).allow(_CURATED)
).with_label("when shown data changes")
