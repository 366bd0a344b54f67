"""What a budget buys: workloads played in virtual time through the very schedule of the daemon, beside what scripts do."""
