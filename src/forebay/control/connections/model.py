"""
What a streaming connection is, and which requests make or change one.

The caller's part is a `Definition`; the platform adds identity, audit members, the inlet and
the entity tag (flow-and-collection, 6.1-6.4).
"""

from typing import Any

import msgspec

from forebay.control.connections.errors import (
    AuthSpecNotFound,
    InvalidConnection,
    InvalidSpecId,
    InvalidState,
)
from forebay.control.connections.specs import (
    DATA_TYPES,
    find_connection_spec,
)
from forebay.control.filters import Kind
from forebay.control.listing import Model
from forebay.kernel import json
from forebay.kernel.ids import STREAMING_SPEC_ID, ConnectionId, InletId, OrgId, SandboxId

ENABLED = "enabled"
STATES = (ENABLED, "disabled", "initializing")
"""The states that a caller can set."""

_TEXT_MAX = 1000


class Definition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller says about a streaming connection, checked."""

    name: str | None = None
    description: str | None = None
    spec_version: str = "1.0"
    auth_spec_name: str = ""
    data_type: str = ""
    source_id: str | None = None
    auth_name: str | None = None
    is_authentication_required: bool = False
    state: str = ENABLED


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A streaming connection as it is kept."""

    connection_id: ConnectionId
    org_id: OrgId
    sandbox_id: SandboxId
    inlet_id: InletId
    etag: str
    created_ms: int
    updated_ms: int
    created_by: str
    created_client: str
    updated_by: str
    updated_client: str
    definition: Definition

    @property
    def source_name(self) -> str:
        """The source of a message that names none: `sourceId`, by default the connection's name."""
        definition = self.definition
        return definition.source_id or definition.name or str(self.connection_id)


class InletRow(msgspec.Struct, frozen=True, kw_only=True):
    """An inlet, as the edge's directory needs it."""

    inlet_id: InletId
    connection_id: ConnectionId
    org_id: OrgId
    sandbox_id: SandboxId
    sandbox_name: str
    source_name: str
    data_type: str
    is_authentication_required: bool
    is_enabled: bool


LISTED = Model(
    {
        **dict.fromkeys(
            (
                "id",
                "name",
                "description",
                "createdBy",
                "updatedBy",
                "createdClient",
                "updatedClient",
                "sandboxId",
                "sandboxName",
                "imsOrgId",
                "connectionSpec.id",
                "connectionSpec.version",
                "auth.specName",
                "auth.params.sourceId",
                "auth.params.inletUrl",
                "auth.params.inletId",
                "auth.params.dataType",
                "auth.params.name",
                "version",
                "etag",
            ),
            Kind.TEXT,
        ),
        "state": Kind.STATE,
        "createdAt": Kind.TIME,
        "updatedAt": Kind.TIME,
        "auth.params.authenticationRequired": Kind.FLAG,
    }
)
"""What can be filtered and ordered by."""


def read_definition(body: dict[str, Any]) -> Definition:
    """
    Return what a request body says about a connection; members nobody knows are ignored.

    Raises:
        InvalidSpecId: `connectionSpec.id` is missing or unknown.
        AuthSpecNotFound: `auth.specName` is not one of the spec's.
        InvalidConnection: Another member has a type or a value that it cannot have.
        InvalidState: `state` is not one that a caller can set.
    """
    spec = _object(body, "connectionSpec")
    _check_spec(spec)
    auth = _object(body, "auth")
    if "auth" in body:
        _check_auth_spec(spec["id"], auth.get("specName"))
    params = _object(auth, "params", path="auth.params")
    state = body.get("state", ENABLED)
    if state not in STATES:
        raise InvalidState(
            f"State {state} is not a valid value. Allowed values are [{', '.join(STATES)}]."
        )
    return Definition(
        name=_text(body, "name"),
        description=_text(body, "description"),
        spec_version=_text(spec, "version", path="connectionSpec.version") or "1.0",
        auth_spec_name=auth.get("specName") or "",
        data_type=_data_type(params),
        source_id=_text(params, "sourceId", path="auth.params.sourceId"),
        auth_name=_text(params, "name", path="auth.params.name"),
        is_authentication_required=_flag(params, "authenticationRequired"),
        state=state,
    )


def definition_body(definition: Definition) -> dict[str, Any]:
    """Return the members that a caller gave, as a body that `read_definition` reads back."""
    params = {
        "sourceId": definition.source_id,
        "dataType": definition.data_type,
        "name": definition.auth_name,
        "authenticationRequired": definition.is_authentication_required,
    }
    body = {
        "name": definition.name,
        "description": definition.description,
        "connectionSpec": {"id": STREAMING_SPEC_ID, "version": definition.spec_version},
        "state": definition.state,
        "auth": {"specName": definition.auth_spec_name, "params": _present(params)},
    }
    return _present(body)


def connection_item(
    connection: Connection, *, sandbox_name: str, collection_url: str
) -> dict[str, Any]:
    """Return a connection as Flow Service shows it, members in the documented order."""
    definition = connection.definition
    item = {
        "id": connection.connection_id,
        "createdAt": connection.created_ms,
        "updatedAt": connection.updated_ms,
        "createdBy": connection.created_by,
        "updatedBy": connection.updated_by,
        "createdClient": connection.created_client,
        "updatedClient": connection.updated_client,
        "sandboxId": connection.sandbox_id,
        "sandboxName": sandbox_name,
        "imsOrgId": connection.org_id,
        "name": definition.name,
        "description": definition.description,
        "connectionSpec": {"id": STREAMING_SPEC_ID, "version": definition.spec_version},
        "state": definition.state,
        "auth": {
            "specName": definition.auth_spec_name,
            "params": {
                "sourceId": connection.source_name,
                "inletUrl": f"{collection_url}/collection/{connection.inlet_id}",
                "authenticationRequired": definition.is_authentication_required,
                "inletId": connection.inlet_id,
                "dataType": definition.data_type,
                "name": definition.auth_name or definition.name or connection.source_name,
            },
        },
        "version": connection.etag,
        "etag": connection.etag,
    }
    return _present(item)


def _check_spec(spec: dict[str, Any]) -> None:
    spec_id = spec.get("id")
    if not isinstance(spec_id, str) or find_connection_spec(spec_id) is None:
        raise InvalidSpecId(
            "The spec ID provided is invalid. Please provide a valid spec ID and try again."
        )


def _check_auth_spec(spec_id: str, name: object) -> None:
    spec = find_connection_spec(spec_id) or {}
    if all(auth_spec["name"] != name for auth_spec in spec.get("authSpec", [])):
        raise AuthSpecNotFound(
            f"The auth spec '{json.shown(name)}' could not be found for the connection spec ID "
            f"{spec_id}."
        )


def _data_type(params: dict[str, Any]) -> str:
    data_type = params.get("dataType")
    if data_type not in DATA_TYPES:
        raise InvalidConnection(
            f"auth.params.dataType is {json.shown(data_type)}; it must be one of "
            f"[{', '.join(DATA_TYPES)}]."
        )
    return str(data_type)


def _flag(params: dict[str, Any], name: str) -> bool:
    match params.get(name):
        case None:
            return False
        case bool(value):
            return value
        case str(text) if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        case other:
            raise InvalidConnection(
                f"auth.params.{name} is {json.shown(other)}; it must be true or false."
            )


def _object(body: dict[str, Any], name: str, *, path: str = "") -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidConnection(f"{path or name} is {json.shown(value)}; it must be an object.")
    return value


def _text(body: dict[str, Any], name: str, *, path: str = "") -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidConnection(f"{path or name} is {json.shown(value)}; it must be a string.")
    if len(value) > _TEXT_MAX:
        raise InvalidConnection(
            f"{path or name} has {len(value)} characters; at most {_TEXT_MAX} are possible."
        )
    return value


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
