"""
The connection specs and flow specs of the platform (flow-and-collection, 7, 8, appendix A).

They are fixed: what the platform can do is not the caller's to define.
"""

from typing import Any

from forebay.kernel.ids import STREAMING_SPEC_ID

DATA_LAKE_SPEC_ID = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
STREAMING_AUTH_SPEC = "Streaming Connection"
DATA_TYPES = ("xdm", "raw")

_PROVIDER_ID = "521eee4d-8cbe-4906-bb48-fb6bd4450033"
_DRAFT = "http://json-schema.org/draft-07/schema#"

Spec = dict[str, Any]


def connection_specs() -> list[Spec]:
    """Return all connection specs."""
    return [_streaming_spec(), _data_lake_spec()]


def find_connection_spec(spec_id: str) -> Spec | None:
    """Return the connection spec with this id."""
    return next((spec for spec in connection_specs() if spec["id"] == spec_id), None)


def flow_specs() -> list[Spec]:
    """Return all flow specs."""
    return [
        _flow_spec(
            "d8a6f005-7eaf-4153-983e-e8574508b877",
            "Stream data without transformation",
            sources=[STREAMING_SPEC_ID],
            transformations=[],
        ),
        _flow_spec(
            "c1a19761-d2c7-4702-b9fa-fe91f0613e81",
            "Steam data with transformation",
            sources=[
                "d27d4907-7351-47dd-bbc2-05a04365703d",
                "51ae16c2-bdad-42fd-9fce-8d5dfddaf140",
                STREAMING_SPEC_ID,
            ],
            transformations=[_mapping(is_required=True)],
        ),
        _flow_spec(
            "d69717ba-71b4-4313-b654-49f9cf126d7a",
            "Stream data with optional transformation",
            sources=[
                STREAMING_SPEC_ID,
                "bf9f5905-92b7-48bf-bf20-455bc6b60a4e",
                "86043421-563b-46ec-8e6c-e23184711bf6",
                "70116022-a743-464a-bbfe-e226a7f8210c",
            ],
            targets=[
                "bf9f5905-92b7-48bf-bf20-455bc6b60a4e",
                DATA_LAKE_SPEC_ID,
                "db4fe783-ef79-4a12-bda9-32b2b1bc3b2c",
            ],
            transformations=[_mapping(is_required=False)],
        ),
    ]


def find_flow_spec(spec_id: str) -> Spec | None:
    """Return the flow spec with this id."""
    return next((spec for spec in flow_specs() if spec["id"] == spec_id), None)


def _streaming_spec() -> Spec:
    params = {
        "sourceId": {"type": "string"},
        "dataType": {"type": "string", "enum": list(DATA_TYPES)},
        "name": {"type": "string"},
        "authenticationRequired": {"type": "boolean", "default": False},
        "inletUrl": {"type": "string"},
        "inletId": {"type": "string"},
    }
    return {
        "id": STREAMING_SPEC_ID,
        "name": "Streaming Connection",
        "providerId": _PROVIDER_ID,
        "version": "1.0",
        "authSpec": [
            {
                "name": STREAMING_AUTH_SPEC,
                "type": "Streaming_Connection",
                "spec": {
                    "$schema": _DRAFT,
                    "type": "object",
                    "properties": params,
                    "required": ["dataType"],
                },
            }
        ],
        "sourceSpec": {
            "attributes": {
                "uiAttributes": {
                    "isSource": True,
                    "category": {"key": "streaming"},
                    "label": {"key": "httpApi"},
                }
            }
        },
        "attributes": {
            "category": "Streaming",
            "isSource": True,
            "uiAttributes": {"apiFeatures": {"explorePaginationSupported": False}},
        },
        "permissionsInfo": _permissions(),
    }


def _data_lake_spec() -> Spec:
    return {
        "id": DATA_LAKE_SPEC_ID,
        "name": "datalake",
        "version": "1.0",
        "targetSpec": {
            "spec": {
                "$schema": _DRAFT,
                "type": "object",
                "properties": {"dataSetId": {"type": "string"}},
                "required": ["dataSetId"],
            },
            "attributes": {"uiAttributes": {"isDestination": True}},
        },
    }


def _flow_spec(
    spec_id: str,
    name: str,
    *,
    sources: list[str],
    transformations: list[Spec],
    targets: list[str] | None = None,
) -> Spec:
    features = {"deleteSupported": False, "updateSupported": False, "flowRunsSupported": False}
    return {
        "id": spec_id,
        "name": name,
        "providerId": _PROVIDER_ID,
        "version": "1.0",
        "sourceConnectionSpecIds": sources,
        "targetConnectionSpecIds": targets or [DATA_LAKE_SPEC_ID],
        "transformationSpecs": transformations,
        "attributes": {
            "isSourceFlow": True,
            "frequency": "streaming",
            "uiAttributes": {"apiFeatures": features},
        },
        "permissionsInfo": _permissions(),
    }


def _mapping(*, is_required: bool) -> Spec:
    spec = {
        "$schema": _DRAFT,
        "type": "object",
        "description": "The mapping set that turns raw data into XDM.",
        "properties": {"mappingId": {"type": "string"}},
    }
    return {"name": "Mapping", "spec": spec | ({"required": ["mappingId"]} if is_required else {})}


def _permissions() -> Spec:
    def permission(name: str) -> list[Spec]:
        return [{"@type": "lowLevel", "name": "StreamingSource", "permissions": [name]}]

    return {"view": permission("read"), "manage": permission("write")}
