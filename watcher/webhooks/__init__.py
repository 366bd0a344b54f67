"""Sending an event to an endpoint: the signature, the request, what came back."""
