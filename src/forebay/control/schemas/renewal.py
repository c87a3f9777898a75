"""
May the standard library be replaced, now that tenants have built on it?

Every tenant resource must still compose on the new one, and a schema that holds data or takes part
in Profile may only grow, just as if a field group of its own had changed.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from forebay.control.schemas import dependents, store
from forebay.control.schemas.evolution import breaking_changes
from forebay.control.schemas.library import TenantLibrary
from forebay.control.schemas.model import ResourceType
from forebay.control.scope import Scope
from forebay.control.store.engine import ControlStore
from forebay.xdm.composition import CompositionError, Library, compose
from forebay.xdm.patterns import PatternRefused


def faults_of_renewal(control: ControlStore, old: Library, new: Library) -> list[str]:
    """
    Return what would not work any more with another standard library, one sentence for each.

    Args:
        control: What the tenants have.
        old: The library that they built on.
        new: The library that is to stand in its place.
    """
    with control.read() as connection:
        schemas = store.list_schema_summaries(connection)
        faults = [
            f"sandbox {scope.sandbox_name} of {scope.org_id}: {fault}"
            for scope in store.list_scopes(connection)
            for fault in _faults(connection, scope, old, new)
        ]
    bound = dict.fromkeys(item.schema_id for item in schemas if not item.version)
    return faults + [fault for schema_id in bound for fault in _narrowed(schema_id, old, new)]


def tenant_ids(control: ControlStore) -> list[str]:
    """Return the tenant ids of all organizations, whose namespaces the library must not enter."""
    with control.read() as connection:
        return store.list_tenant_ids(connection)


def _faults(connection: sa.Connection, scope: Scope, old: Library, new: Library) -> Iterator[str]:
    before, after = (TenantLibrary(connection, scope, library) for library in (old, new))
    for resource in store.list_resources(connection, scope):
        name = f"{resource.resource_id} ({resource.title})"
        try:
            composed = compose(resource.document, after)
        except (CompositionError, PatternRefused) as error:
            yield f"{name} could not be composed: {error.message}"
            continue
        is_schema = resource.resource_type is ResourceType.SCHEMA
        if is_schema and dependents.is_protected(connection, scope, resource.document):
            for change in breaking_changes(compose(resource.document, before), composed):
                yield f"{name} holds data or takes part in Profile: {change}"


def _narrowed(schema_id: str, old: Library, new: Library) -> Iterator[str]:
    """Yield what changes in a schema of the library that a dataset is bound to."""
    before, after = old.find(schema_id), new.find(schema_id)
    if before is not None and after is not None:
        for change in breaking_changes(compose(before, old), compose(after, new)):
            yield f"a dataset is bound to {schema_id}: {change}"
