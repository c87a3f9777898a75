"""Background tasks that are neither forgotten nor silent."""

import asyncio
from collections.abc import Coroutine

_running: set[asyncio.Task[None]] = set()


def spawn(work: Coroutine[None, None, None], *, name: str) -> asyncio.Task[None]:
    """
    Run `work` beside the caller, and hold it until it ends.

    The event loop itself keeps only weak references: a task that nobody holds may vanish in
    the middle of its work. An exception is raised into the loop's exception handler.
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_finish)
    return task


def _finish(task: asyncio.Task[None]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler(
            {"message": f"task {task.get_name()} failed", "exception": error, "task": task}
        )
