"""How a new process takes over from the one that serves, without a pause (decision 15)."""
