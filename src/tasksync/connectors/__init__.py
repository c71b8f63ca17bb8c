"""One folder per CRM: `__init__` (manifest), `client` (endpoints, paging), `mapping` (pure: payload <-> fields,
lenses).

Connectors are found by the entry point group `tasksync.connectors` and do not know each other.
"""
