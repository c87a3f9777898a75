"""From what a client sends to a dataset's document: checked and completed, not yet kept."""

from collections.abc import Mapping
from typing import Any

from forebay.control.datasets.errors import DatasetInvalid
from forebay.control.datasets.model import FORMAT_TAG, TABLE_TAG
from forebay.control.schemas.errors import ResourceInvalid
from forebay.control.schemas.structure import check_depth

Document = dict[str, Any]

NAME_LENGTH_MAX = 255
_DEPTH_MAX = 32
_CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"
_FILES = {"persisted": True, "containerFormat": "parquet", "format": "parquet"}

OWNED_MEMBERS = frozenset(
    {
        "aspect",
        "basePath",
        "classification",
        "created",
        "createdClient",
        "createdUser",
        "files",
        "id",
        "imsOrg",
        "lastBatchId",
        "lastBatchStatus",
        "lastFailedBatch",
        "lastSuccessfulBatch",
        "namespace",
        "observableSchema",
        "sandboxId",
        "state",
        "statsCache",
        "status",
        "transforms",
        "updated",
        "updatedUser",
        "version",
        "viewId",
    }
)
"""Members that Catalog writes; what a client sends for them is ignored."""


def content_of(body: object) -> Document:
    """
    Return the client's part of a dataset, with defaults.

    Raises:
        DatasetInvalid: The message names the member, its value, and what belongs there.
    """
    content = {key: value for key, value in fields_of(body).items() if key not in OWNED_MEMBERS}
    name = content.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_LENGTH_MAX:
        raise DatasetInvalid(f"name must be a text of 1 to {NAME_LENGTH_MAX} characters")
    content["schemaRef"] = _schema_ref(content.get("schemaRef"))
    content.setdefault("description", "")
    _check_type(content, "description", str, "a text")
    content.setdefault("fileDescription", dict(_FILES))
    _check_type(content, "fileDescription", dict, "an object")
    content.setdefault("extensions", {})
    _check_type(content, "extensions", dict, "an object")
    content.setdefault("enableErrorDiagnostics", False)
    _check_type(content, "enableErrorDiagnostics", bool, "true or false")
    content["tags"] = _tags(content.get("tags", {}))
    return content


def fields_of(body: object) -> Document:
    """
    Return a body that is an object of bearable depth.

    Raises:
        DatasetInvalid: It is something else.
    """
    if not isinstance(body, dict):
        raise DatasetInvalid("The body must be one JSON object")
    try:
        check_depth(body, depth_max=_DEPTH_MAX)
    except ResourceInvalid as error:
        raise DatasetInvalid(error.message) from None
    return body


def merged(document: Mapping[str, Any], changes: Mapping[str, Any], *, is_deep: bool) -> Document:
    """
    Return a document with changes merged into it; null removes a member.

    Args:
        document: What is changed; it stays as it is.
        changes: New values by member.
        is_deep: Whether objects are merged member by member, or replaced as a whole.
    """
    result = dict(document)
    for name, value in changes.items():
        former = result.get(name)
        if value is None:
            result.pop(name, None)
        elif is_deep and isinstance(value, dict) and isinstance(former, dict):
            result[name] = merged(former, value, is_deep=True)
        else:
            result[name] = value
    return result


def _schema_ref(value: object) -> Document:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise DatasetInvalid(
            'schemaRef must name a schema: {"id": "<$id of the schema>", '
            f'"contentType": "{_CONTENT_TYPE}"}}'
        )
    content_type = value.get("contentType", _CONTENT_TYPE)
    if not isinstance(content_type, str):
        raise DatasetInvalid(f"schemaRef.contentType is {content_type!r}; expected a media type")
    return {"id": value["id"], "contentType": content_type}


def _tags(value: object) -> Document:
    if not isinstance(value, dict):
        raise DatasetInvalid(f"tags is {value!r}; expected an object of lists")
    for name, values in value.items():
        are_scalars = isinstance(values, list) and all(
            isinstance(item, str | int | float | bool) for item in values
        )
        if not are_scalars:
            raise DatasetInvalid(
                f"tags.{name} is {values!r}; expected a list of texts, numbers or booleans"
            )
    return {FORMAT_TAG: ["parquet"]} | {k: v for k, v in value.items() if k != TABLE_TAG}


def _check_type(content: Document, name: str, expected: type, description: str) -> None:
    if not isinstance(content[name], expected):
        raise DatasetInvalid(f"{name} is {content[name]!r}; expected {description}")
