"""Charts of bars."""

from watcher.cli.chart import bars, short, spark


def test_the_longest_bar_takes_what_room_there_is_and_the_others_their_share() -> None:
    groups = [("1/s", [("a", 8.0), ("bb", 1.0)]), ("10/s", [("a", 0.0)])]
    assert bars(groups, unit="s", width=26) == [
        " 1/s  a   ████████████ 8 s",
        "      bb  █▌ 1 s",
        "10/s  a   0 s",
    ]


def test_where_there_is_nothing_nothing_is_drawn() -> None:
    assert bars([], unit="s", width=40) == []
    assert bars([("1/s", [("a", 0.0)])], unit="s", width=40) == ["1/s  a  0 s"]


def test_a_narrow_terminal_still_gets_bars() -> None:
    assert bars([("1/s", [("a", 1.0)])], unit="s", width=5) == ["1/s  a  ██████████ 1 s"]


def test_figures_have_three_digits() -> None:
    assert [short(value) for value in (0.12345, 9.876, 99.96, 1234.5)] == ["0.123", "9.88", "100", "1234"]


def test_strokes_are_as_high_as_their_values_beside_the_greatest() -> None:
    assert spark([0, 1, 2, 4, 8, 7.9]) == "·▁▂▄██"
    assert spark([0.0, 0.0]) == "··"
    assert spark([]) == ""
