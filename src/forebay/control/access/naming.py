"""Tenant ids: the name of an organization, as it stands in every custom XDM field."""

import re
from collections.abc import Container

_LENGTH_MAX = 24
_RESERVED = frozenset({
    "acp", "adobe", "aep", "batchid", "customer", "datasource", "dule", "errors", "experience",
    "global", "id", "imsorgid", "ingest", "links", "mixinids", "page", "repo", "sandbox",
    "schema", "system", "tenant", "type", "validationerrors", "xdm",
})  # fmt: skip
"""Names that XDM or the platform itself puts behind an underscore or in a schema's address."""


def tenant_id_for(name: str, taken: Container[str]) -> str:
    """
    Return a tenant id made of the letters and digits of a name, which nobody else has.

    It starts with a letter, because XDM field names do.
    """
    stem = re.sub(r"[^a-z0-9]", "", name.lower())[:_LENGTH_MAX].lstrip("0123456789")
    stem = stem or "organization"
    candidate, number = stem, 2
    while candidate in _RESERVED or candidate in taken:
        candidate, number = f"{stem}{number}", number + 1
    return candidate
