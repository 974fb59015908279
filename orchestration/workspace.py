"""The one place where definitions are made at import, for `workspace.yaml`."""

from orchestration.definitions import build_definitions

defs = build_definitions()
