"""What can be wrong with a request about connections; codes and texts are Flow Service's (14)."""

from forebay.kernel.errors import Disposition, PlatformError


class FlowServiceError(PlatformError):
    """A request that Flow Service refuses."""

    status = 400
    title = "Invalid request"
    disposition = Disposition.REJECT


class FinalizeNotAllowed(FlowServiceError):
    """A provider's action, asked for by a caller."""

    code = "FLOW-1402"


class IfMatchMissing(FlowServiceError):
    """An update that does not say which version it means."""

    code = "FLOW-1403"
    title = "Header is missing"


class VersionNotMatching(FlowServiceError):
    """An update of a version that is not the current one."""

    code = "FLOW-1404"
    status = 412
    title = "Version not matching"


class BodyMissing(FlowServiceError):
    """No body where one is needed."""

    code = "FLOW-1405"


class EntityIdMissing(FlowServiceError):
    """An update or a deletion that names no entity."""

    code = "FLOW-1411"


class InvalidSpecId(FlowServiceError):
    """A connection of a kind that the platform does not know."""

    code = "FLOW-1413"


class SpecNotUpdatable(FlowServiceError):
    """A patch of the kind of a connection."""

    code = "FLOW-1414"


class AuthSpecNotFound(FlowServiceError):
    """A way to authenticate that this kind of connection does not have."""

    code = "FLOW-1415"


class ActionNotApplicable(FlowServiceError):
    """An action that the entity's state does not allow."""

    code = "FLOW-1422"


class UnhandledSpecField(FlowServiceError):
    """A filter on a member that connection specs do not have."""

    code = "FLOW-1423"


class UnsupportedOperation(FlowServiceError):
    """A patch operation or an action that does not exist."""

    code = "FLOW-1434"


class UnsupportedSubOperation(FlowServiceError):
    """A sub-operation that does not exist."""

    code = "FLOW-1435"


class EntityNotFound(FlowServiceError):
    """An entity that is not there, or not in the caller's sandbox."""

    code = "FLOW-1439"
    status = 404
    title = "Resource not found"


class InvalidPatch(FlowServiceError):
    """A patch that leads nowhere, or where nobody may write."""

    code = "FLOW-1455"


class InvalidState(FlowServiceError):
    """A state that no caller can set."""

    code = "FLOW-1456"


class InvalidConnection(FlowServiceError):
    """Members of a connection that break its spec. Flow Service has no code of its own for it."""

    code = "CONNECTION-1400"


def not_found(collection: str, entity_id: str) -> EntityNotFound:
    """Return the error for an entity that the caller cannot see, whyever that is."""
    return EntityNotFound(
        f"The requested {collection} resource {entity_id} is not found. "
        "Verify the resource ID before trying again.",
        id=entity_id,
        type=collection,
    )
