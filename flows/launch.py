"""Launching a flow from a program: its tags, who watches, and how it is stopped."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prefect import tags as tagged

from flows import selected
from flows.failure import raised
from orchestrator.errors import WorkError
from orchestrator.models import JsonObject


def launch(
    start: Callable[[], Awaitable[Any]],
    *,
    tags: Sequence[str],
    watch: Callable[[JsonObject], object],
    say: Callable[[str], None],
) -> Any:
    """Run the flow that `start` begins to its end and return its state.

    `watch` is told every event; `say`, in words, what goes on before there are any. SIGTERM and Ctrl-C stop everything
    that the flow has started before this returns.

    Raises:
        KeyboardInterrupt: it was stopped.
        Exception: what ended the run, if it was no ordinary end.
    """
    selected.watcher.set(watch)
    selected.say.set(say)
    with tagged(*tags):
        state = asyncio.run(_until_signalled(start))
    error = raised(state)
    if error is not None:
        raise error
    if state.is_crashed():
        raise WorkError(f"the flow crashed ({state.message}); what is merged stands, run the same command to go on")
    return state


async def _until_signalled(start: Callable[[], Awaitable[Any]]) -> Any:
    task = asyncio.ensure_future(start())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
