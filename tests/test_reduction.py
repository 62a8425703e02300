"""Losses that grow: kept once, reduced piece by piece, and always as if looked at as a whole."""

from __future__ import annotations

import math
import tracemalloc

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.protocol import Point
from core.smoothing import Column, Floats
from tests.columns import even, reduce
from tests.test_history import act, back, config, steps
from tui.chart.look import Look
from tui.chart.view import chart_view
from tui.history.history import History
from tui.history.reduction import Curves, Losses, Reducer

numbers = st.one_of(st.floats(0.5, 4, width=32), st.just(math.nan))
FIELDS = ("column", "x", "low", "high", "smooth")


def assert_same(one: Curves, other: Curves) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


class SmallColumn(Column):
    BLOCK = 2048


@settings(deadline=None)
@given(st.lists(st.integers(0, 3_000), max_size=8), st.integers(0, 9_000), st.integers(0, 9_000))
def test_a_column_holds_what_was_appended_however_it_was_cut(
    cuts: list[int], first: int, last: int
) -> None:
    column, whole = SmallColumn(), np.arange(sum(cuts), dtype=np.float32)
    early = column.values
    at = 0
    for cut in cuts:
        column.append(whole[at : at + cut])
        at += cut
        early = early if len(early) else column.piece(0, 100)
    np.testing.assert_array_equal(column.values, whole)
    np.testing.assert_array_equal(column.piece(first, last), whole[first:last])
    # A view of the past stays as it was.
    np.testing.assert_array_equal(early, whole[: len(early)])
    assert len(column) == len(whole)


@settings(deadline=None)
@given(
    st.lists(numbers, max_size=300),
    st.lists(st.integers(1, 60), min_size=1),
    st.integers(1, 70),
    st.integers(0, 40),
    st.integers(0, 200),
)
def test_a_growing_column_is_reduced_as_if_anew(
    values: list[float], cuts: list[int], columns: int, start: int, beyond: int
) -> None:
    loss = np.asarray(values, np.float32)
    smooth = loss[::-1].copy()
    last = start + len(loss) + beyond

    def piece(begin: int, end: int) -> tuple[Floats, Floats]:
        return loss[begin - start : end - start], smooth[begin - start : end - start]

    reducer, known = Reducer(), 0
    while known < len(loss):
        known = min(known + cuts[known % len(cuts)], len(loss))
        losses = Losses(piece, start, start + known)
        grown = reducer.reduce(losses, even(0, last, columns), key="this")
        assert_same(grown, reduce(loss[:known], smooth[:known], 0, last, columns, start=start))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1)), min_size=1, max_size=8),
    st.sampled_from([0.0, 0.9, 0.98]),
)
def test_a_chart_kept_up_to_date_is_that_of_the_whole_history(
    deeds: list[tuple[int, float]], smoothing: float
) -> None:
    history, chance, view = History(config()), np.random.default_rng(len(deeds)), None
    newest, begun = -1, 0
    for number, (updates, depth) in enumerate(deeds):
        noise = chance.normal(2.5, 0.3, updates).tolist()
        history.apply(steps(history.step, noise, history.branch), 0.0)
        view = chart_view(history, 60, Look(smoothing=smoothing), previous=view)
        fresh = chart_view(history, 60, Look(smoothing=smoothing))
        whole = history.loss, history.smoothed(smoothing)
        expected = reduce(*whole, int(view.axis.low), int(view.axis.high), view.columns)
        assert_same(view.curves, expected)
        assert_same(fresh.curves, expected)
        assert (view.marks, view.dev, view.train) == (fresh.marks, fresh.dev, fresh.train)
        for kept, made in zip(view.abandoned, fresh.abandoned, strict=True):
            assert_same(kept, made)
        step, seq = history.step, number + 2
        if depth < 0.3:
            continue
        if depth < 0.6:
            change = act(step, seq=seq, after=newest, learning_rate=(0.1, depth))
            history.apply(msgspec.structs.replace(change, branch=history.branch), 0.0)
        else:
            to = Point(newest, begun + int((step - begun) * (1 - depth)))
            left, branch = Point(newest, step), history.branch + 1
            history.apply(back(to, left, seq=seq, branch=branch, reason="restore"), 0.0)
        newest, begun = seq, history.step


def test_memory_is_that_of_the_losses_and_of_their_average() -> None:
    count, at_once = 3_000_000, 20_000
    history, view = History(config()), None
    piece = np.random.default_rng(0).normal(2.3, 0.2, at_once).tolist()
    history.apply(steps(0, piece), 0.0)
    chart_view(history, 80)
    tracemalloc.start()
    try:
        for first in range(at_once, count, at_once):
            history.apply(steps(first, piece), 0.0)
            view = chart_view(history, 80, previous=view)
        chart_view(history, 80, Look(smoothing=0.99))
        highest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert history.step == count
    # Four bytes a step, twice, and some room for a frame.
    assert highest < 2 * 4 * count + 8 * 2**20
