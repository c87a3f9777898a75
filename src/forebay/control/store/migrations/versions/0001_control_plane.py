"""Organizations, credentials, sandboxes, connections, schemas, datasets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_access()
    _create_connections()
    _create_schemas()
    _create_datasets()


def _create_access() -> None:
    table = op.create_table(
        "revision",
        sa.Column("singleton", sa.Integer, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(table, [{"singleton": 1, "number": 1}])
    op.create_table(
        "organizations",
        sa.Column("org_id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("tenant_id", sa.String, nullable=False, unique=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "clients",
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
    op.create_table(
        "signing_keys",
        sa.Column("key_id", sa.String, primary_key=True),
        sa.Column("private_key", sa.String, nullable=False),
        sa.Column("public_key", sa.String, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("retired_ms", sa.BigInteger),
    )
    op.create_table(
        "sandboxes",
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


def _create_connections() -> None:
    op.create_table(
        "connections",
        sa.Column("connection_id", sa.String, primary_key=True),
        *_scope_columns(),
        sa.Column("inlet_id", sa.String, nullable=False, unique=True),
        sa.Column("etag", sa.String, nullable=False),
        *_document_columns(),
    )
    op.create_index("connections_by_scope", "connections", ["org_id", "sandbox_id", "updated_ms"])


def _create_schemas() -> None:
    op.create_table(
        "schema_resources",
        sa.Column("org_id", sa.String, primary_key=True),
        sa.Column("sandbox_id", sa.String, primary_key=True),
        sa.Column("resource_id", sa.String, primary_key=True),
        sa.Column("alt_id", sa.String, nullable=False),
        sa.Column("resource_type", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        *_document_columns(),
        sa.UniqueConstraint("org_id", "sandbox_id", "title"),
    )
    op.create_index(
        "schema_resources_by_alt_id", "schema_resources", ["org_id", "sandbox_id", "alt_id"]
    )
    op.create_index(
        "schema_resources_by_type",
        "schema_resources",
        ["org_id", "sandbox_id", "resource_type", "updated_ms"],
    )
    op.create_table(
        "descriptors",
        sa.Column("descriptor_id", sa.String, primary_key=True),
        *_scope_columns(),
        sa.Column("descriptor_type", sa.String, nullable=False),
        sa.Column("source_schema", sa.String, nullable=False),
        *_document_columns(),
    )
    op.create_index(
        "descriptors_by_schema", "descriptors", ["org_id", "sandbox_id", "source_schema"]
    )


def _create_datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("dataset_id", sa.String, primary_key=True),
        *_scope_columns(),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("schema_id", sa.String, nullable=False),
        sa.Column("etag", sa.String, nullable=False),
        *_document_columns(),
    )
    op.create_index("datasets_by_scope", "datasets", ["org_id", "sandbox_id", "created_ms"])


def _scope_columns() -> list[sa.Column[str]]:
    return [
        sa.Column("org_id", sa.String, nullable=False),
        sa.Column("sandbox_id", sa.String, nullable=False),
    ]


def _document_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    ]


def downgrade() -> None:
    for table in (
        "datasets",
        "descriptors",
        "schema_resources",
        "connections",
        "sandboxes",
        "signing_keys",
        "clients",
        "organizations",
        "revision",
    ):
        op.drop_table(table)
