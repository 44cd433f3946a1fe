"""How checks are declared and reported, whatever the layer.

A check is a name, a sentence, whether it blocks, and a pure function that judges what was measured
of one partition. Results belong to the partition they looked at, also when one run covers many.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from coin_platform.contracts.measures import FINITE, NULL, RANGE, Measured
from coin_platform.contracts.model import Table
from coin_platform.defs import previews
from coin_platform.defs.tables import OWNERS, key_of

# A fact of that name says why a partition could not be measured: of all checks but those whose
# verdict is a fact, it is the verdict.
UNMEASURED = "unmeasured"


@dataclass(frozen=True)
class Verdict:
    """What a check found: the sentence an operator reads, and the numbers behind it."""

    passed: bool
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check of a table."""

    name: str
    description: str
    judge: Callable[[Measured], Verdict]
    blocking: bool = True


def counted(broken: Mapping[str, int], words: str) -> Verdict:
    """Fail with the rows of each column, or pass."""
    if not broken:
        return Verdict(True, f"no {words}")
    columns = ", ".join(f"{column} ({rows} rows)" for column, rows in sorted(broken.items()))
    return Verdict(False, f"{words}: {columns}", dict(broken))


def has_rows(measured: Measured) -> Verdict:
    return Verdict(measured.rows > 0, f"{measured.rows} rows", {"rows": measured.rows})


def keys_are_unique(measured: Measured) -> Verdict:
    twice = measured.rows - measured.keys
    return Verdict(
        twice == 0,
        f"{twice} of {measured.rows} rows repeat the key of another",
        {"rows": measured.rows, "keys": measured.keys},
    )


HAS_ROWS = Check("has_rows", "The partition holds rows.", has_rows)
KEYS_ARE_UNIQUE = Check("keys_are_unique", "No two rows have the same key.", keys_are_unique)
REQUIRED_VALUES = Check(
    "required_values_are_present",
    "Columns that the contract requires hold no nulls.",
    lambda measured: counted(measured.broken_of(NULL), "required values missing"),
)
IN_RANGE = Check(
    "values_are_in_range",
    "Numbers lie within the contract's bounds; texts are among its values.",
    lambda measured: counted(measured.broken_of(RANGE), "values out of range"),
    blocking=False,
)
FINITE_NUMBERS = Check(
    "numbers_are_finite",
    "No number is NaN or infinite.",
    lambda measured: counted(measured.broken_of(FINITE), "numbers that are not finite"),
    blocking=False,
)
CONTRACT = (HAS_ROWS, KEYS_ARE_UNIQUE, REQUIRED_VALUES, IN_RANGE, FINITE_NUMBERS)


def fact_check(name: str, description: str, *, blocking: bool = True) -> Check:
    """A check whose verdict was reached while measuring, and is found among the facts by name."""

    def judge(measured: Measured) -> Verdict:
        verdict = measured.facts.get(name)
        return verdict if isinstance(verdict, Verdict) else Verdict(False, "not measured")

    return Check(name, description, judge, blocking)


def specs_of(
    table: Table,
    partitions: dg.PartitionsDefinition[str],
    checks: Sequence[Check],
    additional_deps: Sequence[Table] = (),
) -> list[dg.AssetCheckSpec]:
    """The checks as Dagster declares them, with their owner and runbook in the metadata.

    `additional_deps` are other tables that the checks read, and so wait for.
    """
    with previews.accepted():
        return [
            dg.AssetCheckSpec(
                name=check.name,
                asset=key_of(table),
                description=check.description,
                blocking=check.blocking,
                partitions_def=partitions,
                additional_deps=[key_of(other) for other in additional_deps],
                metadata={
                    "owner": OWNERS[0],
                    "runbook": runbook(check),
                },
            )
            for check in checks
        ]


def runbook(check: Check) -> dg.PathMetadataValue:
    """The page that says what to do about the check."""
    return dg.MetadataValue.path(f"docs/runbooks/{check.name}.md")


def report(
    context: dg.AssetCheckExecutionContext,
    table: Table,
    checks: Sequence[Check],
    measured: Mapping[str, Measured],
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge each partition of the step and report the selected checks.

    `measured` is by partition key. Evaluations are yielded by partition, with the materialization
    they looked at: an `AssetCheckResult` of a run over a range would belong to no partition.
    """
    step = context.op_execution_context
    key = key_of(table)
    targets = newest_materializations(step.instance, key, step.partition_keys)
    names = {check_key.name for check_key in context.selected_asset_check_keys}
    selected = [check for check in checks if check.name in names]
    for check in selected:
        for partition in step.partition_keys:
            verdict = judged(check, measured.get(partition, Measured()))
            yield dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=check.name,
                passed=verdict.passed,
                description=verdict.description,
                # The UI shows an evaluation's metadata, and not its spec's.
                metadata={**verdict.metadata, "runbook": runbook(check)},
                severity=dg.AssetCheckSeverity.ERROR
                if check.blocking
                else dg.AssetCheckSeverity.WARN,
                blocking=check.blocking,
                partition=partition,
                target_materialization_data=targets.get(partition),
            )
    # Only now: results that follow each other are written at once (`coin_platform/event_log.py`).
    outputs = {spec.name: spec.get_python_identifier() for spec in context.check_specs}
    for check in selected:
        yield dg.Output(None, output_name=outputs[check.name])


def judged(check: Check, of: Measured) -> Verdict:
    """The check's verdict, or that there was nothing to judge."""
    if UNMEASURED in of.facts and check.name not in of.facts:
        return Verdict(False, str(of.facts[UNMEASURED]))
    return check.judge(of)


def newest_materializations(
    instance: dg.DagsterInstance, key: dg.AssetKey, partitions: Sequence[str]
) -> dict[str, AssetCheckEvaluationTargetMaterializationData]:
    """What the checks look at: the newest materialization of each partition."""
    return {
        partition: AssetCheckEvaluationTargetMaterializationData(
            run_id=record.run_id, storage_id=record.storage_id, timestamp=record.timestamp
        )
        for partition, record in newest_records(instance, key, partitions).items()
    }


def newest_records(
    instance: dg.DagsterInstance, key: dg.AssetKey, partitions: Sequence[str]
) -> dict[str, dg.EventLogRecord]:
    """The record of each partition's newest materialization."""
    wanted = instance.event_log_storage.get_latest_storage_id_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION, set(partitions)
    )
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(key, storage_ids=list(wanted.values())), limit=len(wanted) or 1
    ).records
    return {str(record.partition_key): record for record in records}
