"""
Serving the collection API inside the process that also holds the log writer.

One process serves one partition: sockets, directory and writer share an event loop, so that an
append is one await away from its request. Several processes may serve the same port; the
kernel spreads connections over them (``SO_REUSEPORT``).
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from forebay.edge.application import EdgeApplication
from forebay.edge.http1 import Connection, Shared
from forebay.edge.metrics import EdgeMetrics
from forebay.kernel.tasks import spawn

_BACKLOG = 1024
_SWEEP_SECONDS = 0.25
_STOP_BODY_SECONDS_MAX = 2.0
"""Once stopping, bodies still on their way get no more than this."""
_STOP_SECONDS_MAX = 8.0


def require_free_port(host: str, port: int) -> None:
    """
    Check that nobody else listens on a port.

    Servers that share a port on purpose would also share it by accident: a second installation
    on the same port would take half of the connections. Call this before the first worker.

    Raises:
        OSError: The port is taken, or may not be bound.
    """
    with _bind(host, port, is_shared=False):
        pass


async def serve(
    application: EdgeApplication,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    on_listening: Callable[[], None] = lambda: None,
) -> None:
    """
    Serve until `stop` is set, then drain.

    Draining: readiness turns red and new messages are refused, nothing is accepted any more,
    requests under way are answered, and then the log writer is closed. When this returns,
    every request that was taken has its answer, and everything acknowledged is durable. Takes
    no more than ten seconds.

    Args:
        application: What answers.
        host: Name or address to listen on.
        port: Port to listen on; other processes may listen on it too.
        stop: Ends the serving.
        on_listening: Called once connections are accepted.

    Raises:
        OSError: The address cannot be listened on.
    """
    try:
        listening = _bind(host, port, is_shared=True)
    except OSError:
        await application.close()
        raise
    body_seconds_max = application.collection.limits.body_seconds_max
    shared = Shared(application.handle, application.clock, body_seconds_max=body_seconds_max)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(shared), sock=listening, backlog=_BACKLOG
    )
    sweeping = spawn(_sweep(shared, application.collection.metrics), name="edge: deadlines")
    try:
        on_listening()
        await stop.wait()
        application.collection.is_draining = True
        server.close()
        shared.body_seconds_max = min(shared.body_seconds_max, _STOP_BODY_SECONDS_MAX)
        shared.stop()
        await _drain(shared)
    finally:
        server.close()
        sweeping.cancel()
        for connection in list(shared.connections):
            connection.abort()
        await application.close()


async def _sweep(shared: Shared, metrics: EdgeMetrics) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        shared.sweep()
        metrics.connections = len(shared.connections)
        metrics.held_bytes = shared.held.count


async def _drain(shared: Shared) -> None:
    deadline = shared.clock.monotonic_s() + _STOP_SECONDS_MAX
    while shared.connections and shared.clock.monotonic_s() < deadline:  # noqa: ASYNC110  rare
        await asyncio.sleep(0.01)


def _bind(host: str, port: int, *, is_shared: bool) -> socket.socket:
    found: Any = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
