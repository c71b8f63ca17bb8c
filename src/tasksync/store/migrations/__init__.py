"""The history of the mirror's schema, for Alembic. A new schema is a new file in `versions/`, written by hand; the last
one's revision is `schema.OURS.head`.
"""
