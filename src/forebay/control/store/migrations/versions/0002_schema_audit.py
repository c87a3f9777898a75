"""What was changed in the Schema Registry, by whom, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "schema_changes",
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
    )
    op.create_index(
        "schema_changes_by_resource",
        "schema_changes",
        ["org_id", "sandbox_id", "resource_id", "sequence"],
    )
    op.create_index(
        "schema_changes_by_scope", "schema_changes", ["org_id", "sandbox_id", "sequence"]
    )


def downgrade() -> None:
    op.drop_table("schema_changes")
