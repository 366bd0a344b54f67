"""What must outlive the process: watches, events, deliveries, accounts."""
