"""When curated refreshes itself."""

import dagster as dg

_condition = dg.AutomationCondition

# A day follows every change behind it, also of a day long past: a late hour reopens its day.
# `all_deps_blocking_checks_passed` would wait for all 24 hours of a day, so the day in progress
# would never be refreshed: what counts is that no hour behind it failed a blocking check.
WHEN_CHECKED_DATA_ARRIVES = (
    _condition.any_deps_updated().since_last_handled()
    & ~_condition.any_deps_in_progress()
    & ~_condition.in_progress()
    & ~_condition.any_deps_match(
        _condition.any_checks_match(_condition.check_failed(), blocking_only=True)
    ).with_label("a blocking check behind it failed")
).with_label("when checked data arrives")
