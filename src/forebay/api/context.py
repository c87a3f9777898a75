"""Who calls, and for which sandbox: what the gateway found out before a handler runs."""

from typing import Any

import msgspec
from starlette.requests import Request

from forebay.control.scope import Actor, Scope


class Context(msgspec.Struct, frozen=True):
    """The caller of one platform API request, authenticated and placed in a sandbox."""

    scope: Scope
    actor: Actor
    request_id: str


def context_of(request: Request) -> Context:
    """Return the context of a request that came through the gateway."""
    context: Context = request.state.context
    return context


def document_of(request: Request) -> Any:  # noqa: ANN401  any JSON value is the point
    """Return the JSON body of a request; None if it has none. The gateway has checked it."""
    return getattr(request.state, "document", None)


def body_of(request: Request) -> bytes:
    """Return the body of a request, which the gateway has read under its cap."""
    body: bytes = request.state.body
    return body
