"""How the control plane is kept: SQLAlchemy Core over SQLite; Alembic moves it forward."""
