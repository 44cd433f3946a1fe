"""When curated refreshes itself."""

import dagster as dg

_condition = dg.AutomationCondition

# A day follows every change behind it, also of a day long past: a late hour reopens its day.
# Only a request settles a change, and only one that came after it: a run that was under way may
# not have read it. `any_deps_updated().since_last_handled()` forgets such a change, because its
# parts do not keep the times of events; this shape does.
_changed_since_requested = (
    _condition.any_deps_match(_condition.newly_updated())
    .since(_condition.newly_requested())
    .with_label("a table behind it changed since it was last requested")
)

# `all_deps_blocking_checks_passed` would wait for all 24 hours of a day, so the day in progress
# would never be refreshed: what counts is that no hour behind it failed a blocking check.
_failed_check = _condition.any_deps_match(
    _condition.any_checks_match(_condition.check_failed(), blocking_only=True)
).with_label("a blocking check behind it failed")

WHEN_CHECKED_DATA_ARRIVES = (
    _changed_since_requested
    & ~_condition.any_deps_in_progress()
    & ~_condition.in_progress()
    & ~_failed_check
).with_label("when checked data arrives")
