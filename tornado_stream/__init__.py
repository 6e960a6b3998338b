"""A streaming chat server on Tornado that never loses, repeats or double-bills a token."""

__version__ = "0.1.0"
