"""
`forebay serve`: starts every role, says where everything is, and keeps it running.

Each role is a process of its own: a dead one is started again while the others go on. The
supervisor itself does nothing but that.
"""

import asyncio
import errno
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from forebay import __version__
from forebay.app import credentials, lifeline
from forebay.app.data_directory import DataDirectory
from forebay.app.settings import Settings
from forebay.edge.server import require_free_port
from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.files import replace
from forebay.kernel.ids import STREAMING_SPEC_ID
from forebay.kernel.tasks import spawn

_log = structlog.get_logger()

RESTART_SECONDS_MIN = 0.2
RESTART_SECONDS_MAX = 5.0
STEADY_SECONDS = 30.0
"""A role that ran this long is started again without delay."""
FIRST_START_TRIES = 3
STOP_SECONDS = 9.0
"""Time the roles have to stop by themselves; then they are killed."""


class AddressInUse(PlatformError):
    """A listener's address is taken."""

    code = "APP-1410"
    status = 409
    title = "Address in use"
    disposition = Disposition.STOP


class RoleFailed(PlatformError):
    """A role could not be started."""

    code = "APP-1500"
    status = 500
    title = "Role failed"
    disposition = Disposition.STOP


class RoleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a role says of itself in the run directory once it can do its job."""

    pid: int
    ready_ms: int


class Role:
    """One process: how it is started, and how long it has run."""

    def __init__(self, name: str, arguments: list[str], status: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._status = status
        self._tries = 0
        self._was_ready = False
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, lifeline_fd: int) -> None:
        """Start the process."""
        self._status.unlink(missing_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "forebay.cli",
            *self._arguments,
            env={**os.environ, lifeline.ENVIRONMENT: str(lifeline_fd)},
            pass_fds=(lifeline_fd,),
            start_new_session=False,
        )

    def is_ready(self) -> bool:
        """Say whether the running process has said that it can do its job."""
        if self.process is None or not self._status.exists():
            return False
        status = msgspec.json.decode(self._status.read_bytes(), type=RoleStatus)
        self._was_ready = status.pid == self.process.pid
        return self._was_ready

    async def keep_running(self, lifeline_fd: int, is_stopping: Callable[[], bool]) -> None:
        """
        Start the process, and again whenever it ends, until the supervisor stops.

        Raises:
            RoleFailed: It never became ready, in several tries.
        """
        delay = RESTART_SECONDS_MIN
        while True:
            started = time.monotonic()
            await self.start(lifeline_fd)
            assert self.process is not None  # noqa: S101  set by start()
            code = await self.process.wait()
            if is_stopping():
                return
            self.is_ready()
            self._tries += 1
            if not self._was_ready and self._tries >= FIRST_START_TRIES:
                raise RoleFailed(
                    f"The role {self.name} ended {self._tries} times with exit code {code} "
                    "before it was ready. Its reason is in the lines above."
                )
            if time.monotonic() - started > STEADY_SECONDS:
                delay = RESTART_SECONDS_MIN
            _log.error("role ended, starting it again", ended=self.name, code=code, delay_s=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, RESTART_SECONDS_MAX)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)


class Supervisor:
    """All roles of one installation."""

    def __init__(self, settings: Settings, data: DataDirectory, *, command: str) -> None:
        self._settings = settings
        self._data = data
        self._command = command
        self._stopping = asyncio.Event()
        self._front = [
            self._role("platform"),
            *(self._role("collection", worker=n + 1) for n in range(settings.workers)),
        ]
        self._processing = self._role("processing")

    async def run(self) -> None:
        """
        Run every role until SIGTERM or SIGINT, then stop them in order.

        Raises:
            AddressInUse: A port is taken.
            RoleFailed: A role could not be started.
        """
        for port in (self._settings.platform_port, self._settings.collection_port):
            _require_free(self._settings.host, port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        reading, writing = os.pipe()
        roles = [*self._front, self._processing]
        keepers = [
            asyncio.ensure_future(role.keep_running(reading, self._stopping.is_set))
            for role in roles
        ]
        announcement = spawn(self._announce(roles), name="supervisor: first screen")
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([*keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            announcement.cancel()
            stopping.cancel()
            await self._stop(keepers)
            os.close(writing)
            os.close(reading)
        for keeper in keepers:
            if keeper.done() and not keeper.cancelled() and (error := keeper.exception()):
                raise error

    async def _stop(self, keepers: "Sequence[asyncio.Future[None]]") -> None:
        # The front goes first, so that processing's last flush has everything it accepted.
        for role in self._front:
            role.send(signal.SIGTERM)
        await asyncio.wait(keepers[:-1], timeout=STOP_SECONDS / 2)
        self._processing.send(signal.SIGTERM)
        _, late = await asyncio.wait(keepers, timeout=STOP_SECONDS / 2)
        for role in [*self._front, self._processing]:
            role.send(signal.SIGKILL)
        for keeper in late:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    async def _announce(self, roles: list[Role]) -> None:
        while not all(role.is_ready() for role in roles):  # noqa: ASYNC110  other processes say it
            await asyncio.sleep(0.02)
        print(welcome(self._settings, self._data, self._command), file=sys.stderr, flush=True)  # noqa: T201  the first screen

    def _role(self, kind: str, worker: int | None = None) -> Role:
        settings = self._settings
        name = kind if worker is None else f"{kind}-{worker}"
        arguments = ["role", kind, "--data", str(self._data.root), "--host", settings.host]
        arguments += ["--platform-port", str(settings.platform_port)]
        arguments += ["--collection-port", str(settings.collection_port)]
        if worker is not None:
            arguments += ["--worker", str(worker)]
        return Role(name, arguments, self._data.roles / f"{name}.json")


def say_ready(data: DataDirectory, name: str, now_ms: int) -> None:
    """Tell the supervisor that this process can do its job."""
    status = RoleStatus(pid=os.getpid(), ready_ms=now_ms)
    replace(data.roles / f"{name}.json", msgspec.json.encode(status))


def welcome(settings: Settings, data: DataDirectory, command: str) -> str:
    """Return the first screen: where everything is, and one call that works as it stands."""
    kept = credentials.get(data.credentials)
    where = f"--data {shlex.quote(str(data.root))}"
    file = credentials.path_of(data.credentials, kept)
    return f"""
Forebay {__version__} is ready.

  Platform API    {settings.platform_base}
  Collection API  {settings.collection_base}
  Data            {data.root}
  Credentials     {file}
                  {command} credentials {where} --format env

Create a streaming connection, in another terminal:

curl -s -X POST {settings.platform_base}/data/foundation/flowservice/connections \\
 -H "Authorization: Bearer $({command} token {where})" \\
 -H 'Content-Type: application/json' \\
 -H 'x-gw-ims-org-id: {kept.org_id}' \\
 -H 'x-api-key: {kept.client_id}' \\
 -H 'x-sandbox-name: {kept.sandbox}' \\
 -d '{{"name": "Sample streaming connection",
      "connectionSpec": {{"id": "{STREAMING_SPEC_ID}", "version": "1.0"}},
      "auth": {{"specName": "Streaming Connection", "params": {{"dataType": "xdm"}}}}}}'
"""


def _require_free(host: str, port: int) -> None:
    try:
        require_free_port(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise AddressInUse(f"Cannot listen on {host} port {port}: {error.strerror}.") from None
        raise AddressInUse(
            f"Port {port} on {host} is in use by another program. "
            "Stop it, or choose others with --platform-port and --collection-port."
        ) from None
