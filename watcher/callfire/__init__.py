"""The upstream: what to ask CallFire, what its answers say, and how often it may be asked."""
