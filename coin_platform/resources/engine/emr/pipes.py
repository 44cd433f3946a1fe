"""The session between a submission and who asked for it: Dagster's, or none but ours.

In a step of Dagster, its own Pipes session gives the script the step's context and shows the
script's logs live in the run. Elsewhere the script gets a context that says the same of its orders.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from dagster_pipes import (
    DAGSTER_PIPES_CONTEXT_CLI_ARGUMENT,
    DAGSTER_PIPES_MESSAGES_CLI_ARGUMENT,
    PipesContextData,
    PipesMessage,
    encode_param,
)

from coin_platform.resources.engine.emr.messages import Channel, Hear, Message
from coin_platform.resources.engine.emr.runner import Progress
from coin_platform.resources.engine.orders import Orders

if TYPE_CHECKING:
    from dagster import AssetExecutionContext


def arguments(channel: Channel) -> tuple[str, ...]:
    """What tells a script where its context and its messages are."""
    return (
        DAGSTER_PIPES_CONTEXT_CLI_ARGUMENT,
        encode_param(channel.context_params),
        DAGSTER_PIPES_MESSAGES_CLI_ARGUMENT,
        encode_param(channel.message_params),
    )


@contextmanager
def session(
    channel: Channel,
    orders: Orders,
    progress: Progress,
    context: "AssetExecutionContext | None",
) -> Iterator[Hear]:
    """Put the context in its place; yields who must hear each message of the script."""
    if context is not None:
        with dagster_session(channel, orders, context) as hear:
            yield hear
        return
    channel.put_context(context_of(orders))

    def told(message: Message) -> None:
        if message["method"] == "log":
            progress(str(message["params"]["message"]))

    yield told


def context_of(orders: Orders) -> PipesContextData:
    """A context outside of Dagster."""
    return {
        "asset_keys": None,
        "code_version_by_asset_key": None,
        "provenance_by_asset_key": None,
        "partition_key": None,
        "partition_key_range": None,
        "partition_time_window": None,
        "run_id": orders.run_id,
        "job_name": None,
        "retry_number": 0,
        "extras": orders.json(),
    }


@contextmanager
def dagster_session(
    channel: Channel, orders: Orders, context: "AssetExecutionContext"
) -> Iterator[Hear]:
    """Dagster's own session over the channel."""
    import dagster as dg

    class Injector(dg.PipesContextInjector):
        """Puts the step's context where the channel has it."""

        @contextmanager
        def inject_context(self, context: PipesContextData) -> Iterator[dict[str, Any]]:
            channel.put_context(context)
            yield channel.context_params

        def no_messages_debug_text(self) -> str:
            return f"The context is s3://{channel.bucket}/{channel.prefix}/context.json."

    class Reader(dg.PipesMessageReader):
        """Starts nothing: who watches the submission reads the channel."""

        @contextmanager
        def read_messages(self, handler: Any) -> Iterator[dict[str, Any]]:  # noqa: ARG002
            yield channel.message_params

        def no_messages_debug_text(self) -> str:
            return f"Messages are s3://{channel.bucket}/{channel.prefix}/1.json and on."

    with dg.open_pipes_session(
        context=context,
        context_injector=Injector(),
        message_reader=Reader(),
        extras=orders.json(),
    ) as opened:
        yield lambda message: opened.message_handler.handle_message(cast("PipesMessage", message))
