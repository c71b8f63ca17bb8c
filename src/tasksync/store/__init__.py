"""The mirror in SQLite. The only package that imports sqlmodel, SQLAlchemy and Alembic."""
