"""The pure decisions: values in, values out. Imports no clock, no network, no store, and nothing else of ours."""
