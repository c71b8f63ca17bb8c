"""Simulated CRMs over HTTP, with the traps of the real ones and faults on demand. Never imports a connector."""
