"""Listeners to the news: metrics, logs, and, where they are wanted, traces."""
