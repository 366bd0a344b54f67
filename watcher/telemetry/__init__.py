"""Listeners to the news: metrics and logs."""
