"""Polling: token -> schedule -> look -> learn -> record, for every account; and what the interface may ask of it."""
