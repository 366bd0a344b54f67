"""A believable CallFire, with faults, that keeps the truth; and a receiver of webhooks. Imports nothing else of ours."""
