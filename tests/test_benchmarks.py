"""What `make bench` makes of its figures; how long anything takes is not for tests."""

from __future__ import annotations

import pytest

from tests.benchmarks import __main__ as bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.rounds import alternate, spread, times_as_fast


def test_a_figure_is_a_row_and_says_whether_its_goal_is_reached() -> None:
    assert bench.line(Figure("a step", "100 µs")) == "| a step | 100 µs |  |"
    held = Figure("a step", "5 ×", "at least 3.5 ×", True)
    assert bench.line(held) == "| a step | 5 × | at least 3.5 ×: held |"
    missed = Figure("a step", "3 ×", "at least 3.5 ×", False)
    assert bench.line(missed) == "| a step | 3 × | at least 3.5 ×: **missed** |"


def test_the_table_goes_between_the_marks_and_nowhere_else(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path_factory.mktemp("page") / "README.md"
    readme.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n", "utf-8")
    monkeypatch.setattr(bench, "README", readme)
    for text in (r"a \1 table", "another"):
        bench.write(text)
        marked = f"before\n<!-- figures -->\n{text}\n<!-- /figures -->\nafter\n"
        assert readme.read_text("utf-8") == marked
    readme.write_text("no marks\n", "utf-8")
    with pytest.raises(ValueError, match="figures"):
        bench.write("a table")


def test_the_readme_has_one_place_for_the_table() -> None:
    assert len(bench.MARKED.findall(bench.README.read_text("utf-8"))) == 1


def test_peers_take_turns_and_their_ratio_is_judged() -> None:
    order = []
    taken = alternate({"a": lambda n: order.append("a"), "b": lambda n: order.append("b")}, 3, 1)
    assert "".join(order) == "ab" + "baabba"
    assert [len(rounds) for rounds in taken.values()] == [3, 3]
    assert spread([1.0, 2.0, 4.0], ".1f", " ×") == "2.0 × (1.0 to 4.0)"
    assert times_as_fast("it", [8.0, 9.0, 10.0], [2.0, 2.0, 2.0], 4).holds
    assert times_as_fast("it", [8.0, 9.0, 10.0], [2.0, 2.0, 2.0], 5).holds is False
