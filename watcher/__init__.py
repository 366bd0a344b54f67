"""Follows CallFire batches through validation and tells whoever must act on it."""

__version__ = "0.1.0"
