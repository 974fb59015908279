"""The world in small: a deterministic company, its true ledger, and the platforms that serve it."""
