"""Several processes that serve one port over one data directory (decision 18)."""
