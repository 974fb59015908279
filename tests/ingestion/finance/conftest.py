"""Platforms on loopback."""

from tests.ingestion.loopback import serve as serve
