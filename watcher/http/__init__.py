"""Asking others over HTTP: what the upstream and the webhooks have in common."""
