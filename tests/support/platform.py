"""The platform API as a real HTTP server on a free port, over a control store in a directory."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvicorn
from fastapi import APIRouter
from starlette.types import ASGIApp

from forebay.api.application import Services, create_application
from forebay.api.http import PlatformProtocol
from forebay.control.access.model import IssuedToken, NewCredentials
from forebay.control.access.service import AccessService
from forebay.control.connections.service import ConnectionService
from forebay.control.sandboxes.service import SandboxService
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import Clock, SystemClock

COLLECTION_URL = "http://collection.example:8081"
FLOW_SERVICE = "/data/foundation/flowservice"


@dataclass(frozen=True)
class Platform:
    """A running platform API and the services behind it."""

    url: str
    store: ControlStore
    access: AccessService
    sandboxes: SandboxService
    connections: ConnectionService
    credentials: NewCredentials
    """Of the development organization."""

    def token(self, credentials: NewCredentials | None = None) -> str:
        """Return an access token of an organization; of the development one by default."""
        of = credentials or self.credentials
        issued = self.access.issue_token(of.client_id, of.client_secret, scopes=of.scopes)
        assert isinstance(issued, IssuedToken)
        return issued.access_token

    def headers(self, credentials: NewCredentials | None = None, **more: str) -> dict[str, str]:
        """Return the headers of a call; underscores in the names of `more` become hyphens."""
        of = credentials or self.credentials
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {
            "Authorization": f"Bearer {self.token(of)}",
            "x-api-key": of.client_id,
            "x-gw-ims-org-id": of.org_id,
            "x-sandbox-name": of.sandbox,
            **named,
        }

    def client(self, credentials: NewCredentials | None = None, **more: str) -> httpx2.Client:
        """Return a client that sends an organization's headers; close it."""
        return httpx2.Client(base_url=self.url, headers=self.headers(credentials, **more))


@contextmanager
def running_platform(
    directory: Path,
    *,
    clock: Clock | None = None,
    routers: Callable[[ControlStore], Sequence[APIRouter]] = lambda _store: (),
    **services: object,
) -> Iterator[Platform]:
    """
    Serve the platform API until the end of the block.

    Args:
        directory: Where the control store lies.
        clock: Its time; the machine's by default.
        routers: Makes the routers of further services from the store.
        services: Other members of `Services`.
    """
    clock = clock or SystemClock()
    store = ControlStore.at(directory)
    access = AccessService(store, clock)
    sandboxes = SandboxService(store)
    connections = ConnectionService(store, clock, collection_url=COLLECTION_URL)
    credentials = access.ensure_development_organization()
    assert credentials is not None
    application = create_application(
        Services(
            clock=clock,
            access=access,
            sandboxes=sandboxes,
            connections=connections,
            platform_url="http://platform.example:8080",
            routers=routers(store),
            **services,  # type: ignore[arg-type]  # members of Services, by name
        )
    )
    try:
        with serving(application) as url:
            yield Platform(url, store, access, sandboxes, connections, credentials)
    finally:
        store.close()


@contextmanager
def serving(application: ASGIApp) -> Iterator[str]:
    """Serve an ASGI application on a free loopback port; give its base URL."""
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        http=PlatformProtocol,
        log_config=None,
        lifespan="off",
    )
    listener = config.bind_socket()
    listener.listen()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        # The socket listens already: a request that comes too early waits in its backlog.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
