"""How long an account's batches take, as it is told; the rest is in test_planning."""

from watcher.cli.lengths import contacts


def test_sizes_are_told_by_their_bounds() -> None:
    assert contacts(32, 100) == "32 to 100"
    assert contacts(3_162_278, None) == "3162278 and more"
    assert contacts(None, None) == "not known"
