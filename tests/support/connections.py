"""Bodies that create streaming connections."""

from typing import Any

STREAMING_SPEC_ID = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"


def seed_body(*, params: object = None, **changed: object) -> dict[str, Any]:
    """Return the tutorial's body; a member that is changed to None is left out."""
    body: dict[str, Any] = {
        "name": "Sample streaming connection",
        "providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033",
        "description": "Sample description",
        "connectionSpec": {"id": STREAMING_SPEC_ID, "version": "1.0"},
        "auth": {
            "specName": "Streaming Connection",
            "params": {
                "sourceId": "Sample connection",
                "dataType": "xdm",
                "name": "Sample connection",
            }
            if params is None
            else params,
        },
    }
    body.update(changed)
    return {name: value for name, value in body.items() if value is not None or name == "auth"}
