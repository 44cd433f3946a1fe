"""What was deployed: the outputs of the stack, as settings of the platform."""

from coin_platform.errors import PermanentError, TransientError
from coin_platform.infrastructure.options import Options
from coin_platform.infrastructure.outputs import setting_of
from coin_platform.resources.aws.errors import explained
from coin_platform.resources.aws.session import client
from coin_platform.settings import Settings, variable_name

WHOLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")


def read_outputs(options: Options) -> dict[str, str]:
    """Environment variable to value, in the stack's order.

    Raises `PermanentError` when there is no such stack or it was not made whole, `TransientError`
    while it is being changed.
    """
    name = options.account.stack
    with explained(f"reading the outputs of stack {name}"):
        stack = client(options.platform, "cloudformation").describe_stacks(StackName=name)
    [found] = stack["Stacks"]
    state = found["StackStatus"]
    if state not in WHOLE:
        if state.endswith("_IN_PROGRESS"):
            raise TransientError(f"stack {name} is {state}: ask again when that has ended")
        raise PermanentError(
            f"stack {name} is {state}, its outputs mean nothing: see its events in "
            "CloudFormation, then `coin-platform infra deploy` again"
        )
    told = {setting_of(one["OutputKey"]): one["OutputValue"] for one in found.get("Outputs", [])}
    strange = sorted(set(told) - set(Settings.model_fields))
    if strange or not told:
        raise PermanentError(
            f"stack {name} was made by another version of the platform, or is not its own"
            + (f": it tells {', '.join(strange)}" if strange else ": it tells nothing")
            + "; name another by COIN_PLATFORM_INFRA_STACK, or deploy this version"
        )
    return {variable_name(setting): value for setting, value in told.items()}
