"""What the registry does beyond keeping resources (1.13): exchange, samples, the audit log."""

from typing import Any

from forebay.control.schemas import audit, exchange, store, views
from forebay.control.schemas.errors import not_found
from forebay.control.schemas.library import Registry
from forebay.control.schemas.model import ResourceType
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import Clock
from forebay.xdm.composition import compose
from forebay.xdm.notation import standard_record
from forebay.xdm.specimen import specimen
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.strict import validation_document

Document = dict[str, Any]


class RpcService:
    """The remote procedures of the registry, for all sandboxes."""

    def __init__(self, control: ControlStore, clock: Clock, standard: StandardLibrary) -> None:
        self._control = control
        self._clock = clock
        self._standard = standard

    def export(self, scope: Scope, resource_id: str) -> list[Document]:
        """
        Return a resource and what it depends on, dependencies first, without the tenant's id.

        Raises:
            ResourceNotFound: The tenant has no such resource.
        """
        with self._control.read() as connection:
            return exchange.export(Registry(connection, scope, self._standard), resource_id)

    def import_resources(self, scope: Scope, actor: Actor, body: object) -> list[Document]:
        """
        Keep all resources of an export, or none, and return their raw forms.

        Raises:
            ImportFailed: One of them cannot be kept, or they take too long; the message says
                which, and why.
        """
        wanted = exchange.read(scope, body)  # without a lock: whatever can be said without one
        with self._control.write() as connection:
            return exchange.keep(
                Registry(connection, scope, self._standard),
                actor,
                wanted,
                clock=self._clock,
                library_version=self._standard.version,
            )

    def sample_data(self, scope: Scope, resource_id: str) -> Document:
        """
        Return the sample record of a schema, in standard notation; always the same one.

        Deprecated fields are left out unless they are required. Other resources than schemas have
        sample records, too.

        Raises:
            SchemaNotFound: The sandbox sees no such resource.
        """
        with self._control.read() as connection:
            library = Registry(connection, scope, self._standard).library()
            found = library.find(resource_id)
            if found is None:
                raise not_found(ResourceType.SCHEMA, resource_id)
            kept = store.list_descriptors(connection, scope, found["$id"])
            composed = compose(found, library)
        descriptors = [item.document for item in kept]
        views.mark_deprecated(composed, descriptors)
        shown: Document = standard_record(_sample(composed, descriptors), composed)
        return shown

    def list_changes(self, scope: Scope, resource_id: str) -> list[Document]:
        """
        Return the audit log of a resource, newest first; it outlives the resource.

        Raises:
            ResourceNotFound: The sandbox has and had no such resource.
        """
        with self._control.read() as connection:
            return audit.list_changes(connection, scope, resource_id)


def _sample(composed: Document, descriptors: list[Document]) -> Document:
    """Return the sample record in payload names."""
    rules = validation_document(composed, descriptors)
    return specimen(_without_deprecated(rules, composed))


def _without_deprecated(rules: Document, composed: Document) -> Document:
    """Return rules without the deprecated optional fields; they are only left out of the sample."""
    needed = rules.get("required", ())
    fields = composed.get("properties", {})
    shown = dict(rules)
    if "properties" in rules:
        shown["properties"] = {
            name: _without_deprecated(field, fields.get(name, {}))
            for name, field in rules["properties"].items()
            if name in needed or fields.get(name, {}).get("meta:status") != "deprecated"
        }
    for keyword in ("items", "additionalProperties"):
        if isinstance(rules.get(keyword), dict) and isinstance(composed.get(keyword), dict):
            shown[keyword] = _without_deprecated(rules[keyword], composed[keyword])
    return shown
