"""
The tables of the control store.

Every tenant table carries `org_id` and `sandbox_id`, and every query names them. What Adobe's
API returns as an open document is kept as one, in `document`; columns beside it are what is
searched, joined or compared.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

revision = sa.Table(
    "revision",
    METADATA,
    sa.Column("singleton", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)
"""One row: a number that grows with every write, so that readers know when to look again."""

organizations = sa.Table(
    "organizations",
    METADATA,
    sa.Column("org_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("tenant_id", sa.String, nullable=False, unique=True),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

clients = sa.Table(
    "clients",
    METADATA,
    sa.Column("client_id", sa.String, primary_key=True),
    sa.Column(
        "org_id", sa.String, sa.ForeignKey("organizations.org_id"), nullable=False, index=True
    ),
    sa.Column("technical_account_id", sa.String, nullable=False, unique=True),
    sa.Column("secret_hash", sa.String, nullable=False),
    sa.Column("scopes", sa.String, nullable=False),
    sa.Column("jwt_public_key", sa.String),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)
"""API credentials (service accounts). Secrets are kept as hashes only."""

signing_keys = sa.Table(
    "signing_keys",
    METADATA,
    sa.Column("key_id", sa.String, primary_key=True),
    sa.Column("private_key", sa.String, nullable=False),
    sa.Column("public_key", sa.String, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("retired_ms", sa.BigInteger),
)
"""Keys that sign access tokens: the newest signs, all that are not retired verify."""

sandboxes = sa.Table(
    "sandboxes",
    METADATA,
    sa.Column("sandbox_id", sa.String, primary_key=True),
    sa.Column("org_id", sa.String, sa.ForeignKey("organizations.org_id"), nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("etag", sa.Integer, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("org_id", "name"),
)

connections = sa.Table(
    "connections",
    METADATA,
    sa.Column("connection_id", sa.String, primary_key=True),
    sa.Column("org_id", sa.String, nullable=False),
    sa.Column("sandbox_id", sa.String, nullable=False),
    sa.Column("inlet_id", sa.String, nullable=False, unique=True),
    sa.Column("etag", sa.String, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Index("connections_by_scope", "org_id", "sandbox_id", "updated_ms"),
)
"""Base connections of Flow Service; a streaming one owns an inlet."""

schema_resources = sa.Table(
    "schema_resources",
    METADATA,
    sa.Column("org_id", sa.String, primary_key=True),
    sa.Column("sandbox_id", sa.String, primary_key=True),
    sa.Column("resource_id", sa.String, primary_key=True),
    sa.Column("alt_id", sa.String, nullable=False),
    sa.Column("resource_type", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Index("schema_resources_by_alt_id", "org_id", "sandbox_id", "alt_id"),
    sa.Index("schema_resources_by_type", "org_id", "sandbox_id", "resource_type", "updated_ms"),
    sa.UniqueConstraint("org_id", "sandbox_id", "title"),
)
"""Tenant resources of the Schema Registry: schemas, classes, field groups (mixins), data types."""

resource_versions = sa.Table(
    "resource_versions",
    METADATA,
    sa.Column("org_id", sa.String, primary_key=True),
    sa.Column("sandbox_id", sa.String, primary_key=True),
    sa.Column("resource_id", sa.String, primary_key=True),
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)
"""What registry resources were before their last changes; the oldest versions are dropped."""

schema_changes = sa.Table(
    "schema_changes",
    METADATA,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("org_id", sa.String, nullable=False),
    sa.Column("sandbox_id", sa.String, nullable=False),
    sa.Column("resource_id", sa.String, nullable=False),
    sa.Column("alt_id", sa.String, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.String, nullable=False),
    sa.Column("client_id", sa.String, nullable=False),
    sa.Column("request_id", sa.String, nullable=False),
    sa.Column("updates", sa.JSON, nullable=False),
    sa.Index("schema_changes_by_resource", "org_id", "sandbox_id", "resource_id", "sequence"),
    sa.Index("schema_changes_by_scope", "org_id", "sandbox_id", "sequence"),
)
"""The audit log of registry resources; entries outlive the resource, and the oldest are dropped."""

descriptors = sa.Table(
    "descriptors",
    METADATA,
    sa.Column("descriptor_id", sa.String, primary_key=True),
    sa.Column("org_id", sa.String, nullable=False),
    sa.Column("sandbox_id", sa.String, nullable=False),
    sa.Column("descriptor_type", sa.String, nullable=False),
    sa.Column("source_schema", sa.String, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Index("descriptors_by_schema", "org_id", "sandbox_id", "source_schema"),
)

datasets = sa.Table(
    "datasets",
    METADATA,
    sa.Column("dataset_id", sa.String, primary_key=True),
    sa.Column("org_id", sa.String, nullable=False),
    sa.Column("sandbox_id", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("schema_id", sa.String, nullable=False),
    sa.Column("etag", sa.String, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Index("datasets_by_scope", "org_id", "sandbox_id", "created_ms"),
)
"""Catalog's dataSets."""
