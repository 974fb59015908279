"""Connectors of one kind of system, a package each."""
