"""The whole program in a real terminal, tried as a new user would: keys in, screen out.

Times are limits against hanging, far above what is aimed at; the figures themselves are printed by
`python -m tests.benchmarks.latency`.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client import Client, EngineGone
from core.dials import Value
from core.protocol import AnyRecorded, KnobsChanged, RolledBack, SamplesDrawn, Shutdown
from core.record import is_served, read_column, read_config, read_events
from tests.conftest import Open
from tests.terminal import PROGRAM, Dashboard

FIRST_FRAME = 60.0
TRAINING = 120.0
KEY = 30.0
"""Seconds, against hanging only: a busy machine may take most of them."""
NO_END = ("--steps", "100000000", "--pace", "4000")
"""More steps than any test waits for, at a pace that leaves others some of the processor."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, few_names: Path) -> Iterator[Dashboard]:
    """One dashboard for several tests; each finds it at 120×36, training, and leaves it so."""
    runs = tmp_path_factory.mktemp("session") / "runs"
    # At full speed, as keys are to answer then.
    dashboard = Dashboard(runs, "--data", str(few_names), *NO_END[:2])
    try:
        dashboard.wait_until_it_trains()
        yield dashboard
    finally:
        dashboard.close()


def last(dashboard: Dashboard, kind: type[AnyRecorded]) -> AnyRecorded:
    """The newest event of a kind in the run's record."""
    return [event for event in read_events(dashboard.run) if isinstance(event, kind)][-1]


def is_whole(dashboard: Dashboard) -> bool:
    """Whether every framed row reaches from the screen's first column to its last."""
    rows = [line for line in dashboard.lines if line[:1] in ("│", "╭", "╰") and line]
    width = dashboard.screen.columns
    return len(rows) > 10 and all(len(row) == width and row[-1] in "│╮╯" for row in rows)


def test_the_first_frame_shows_list_and_keys_and_then_training_begins(
    open_dashboard: Open,
) -> None:
    dashboard = open_dashboard()
    dashboard.wait_for("╭─ Dataset", FIRST_FRAME)
    dashboard.wait_for("q quit", FIRST_FRAME)
    dashboard.wait_for("301 words", FIRST_FRAME)
    dashboard.wait_until_it_trains()
    assert "few-names.txt" in dashboard.lines[0]
    assert is_whole(dashboard)
    reached = dashboard.step
    dashboard.wait_for(lambda: dashboard.step > reached)


@pytest.mark.parametrize(("key", "times"), [("+", 2.0), ("-", 0.5), ("d", 0.1)])
def test_a_key_changes_the_effective_rate_on_screen_in_the_log_and_on_the_chart(
    key: str, times: float, session: Dashboard
) -> None:
    set_rate(session, "0.1")
    session.press(key)
    session.wait_for(lambda: session.effective == pytest.approx(0.1 * times), KEY)
    act = last(session, KnobsChanged)
    assert isinstance(act, KnobsChanged)
    assert act.changes["learning_rate"][1] == pytest.approx(0.1 * times)
    session.wait_for(
        lambda: re.search(rf"{act.step:,}  rate .* → {0.1 * times:g} \(you\)", session.text)
    )
    session.wait_for("▾rate")


def set_rate(session: Dashboard, rate: str) -> None:
    session.press("l")
    session.wait_for("Enter sends", KEY)
    session.press(*rate, "enter")
    session.wait_for(lambda: "Enter sends" not in session.text, KEY)
    session.wait_for(lambda: session.effective == float(rate), KEY)


def test_a_typed_rate_is_the_rate(session: Dashboard) -> None:
    set_rate(session, "0.037")
    act = last(session, KnobsChanged)
    assert isinstance(act, KnobsChanged)
    assert act.changes["learning_rate"][1] == 0.037


def test_s_shows_ten_names_while_training_goes_on(session: Dashboard) -> None:
    before = sum(isinstance(event, SamplesDrawn) for event in read_events(session.run))
    session.press("s")
    session.wait_for(
        lambda: sum(isinstance(e, SamplesDrawn) for e in read_events(session.run)) > before, KEY
    )
    drawn = last(session, SamplesDrawn)
    assert isinstance(drawn, SamplesDrawn)
    assert len(drawn.names) == 10
    told = tuple(name or "(empty)" for name in drawn.names)
    session.wait_for(lambda: session.names == told, KEY)
    session.wait_for(lambda: session.step > drawn.step)
    assert "training" in session.lines[0]


def test_space_stops_the_steps_and_starts_them_again(session: Dashboard) -> None:
    session.press("space")
    session.wait_for(lambda: "paused" in session.lines[0], KEY)
    stands = session.step
    session.press("s")  # its answer comes after whatever training was still to be told
    session.wait_for(lambda: f"{stands:,}  T 1" in session.text, KEY)
    assert session.step == stands
    session.press("space")
    session.wait_for(lambda: "training" in session.lines[0], KEY)
    session.wait_for(lambda: session.step > stands)


def test_everything_stays_readable_at_80_by_24_and_back(session: Dashboard) -> None:
    session.resize(80, 24)
    session.wait_for(lambda: "1 Samples" in session.text and is_whole(session), KEY)
    for page, content in (("2", "╭─ Log"), ("3", "= effective"), ("4", "301 words")):
        session.press(page)
        session.wait_for(content, KEY)
    session.press("1")
    for text in ("╭─ Samples", "training", "step", "╭─ Loss", " × ", "? help", "q quit"):
        session.wait_for(text, KEY)
    session.resize(120, 36)
    titles = ("╭─ Dataset", "╭─ Loss", "╭─ Learning rate", "╭─ Samples", "╭─ Log", "q quit")
    session.wait_for(lambda: all(title in session.text for title in titles), KEY)
    session.wait_for(lambda: is_whole(session), KEY)
    assert session.row("= effective")
    assert "Traceback" not in session.text


def test_a_tiny_terminal_says_so_and_everything_comes_back(session: Dashboard) -> None:
    reached = session.step
    session.resize(40, 10)
    # All on one screen: a frame may come in pieces.
    session.wait_for(
        lambda: "40×10" in session.text and "at least" in session.text and "╭" not in session.text,
        KEY,
    )
    session.resize(120, 36)
    session.wait_for(lambda: "╭─ Dataset" in session.text and is_whole(session), KEY)
    session.wait_for(lambda: session.step > reached)


def test_ctrl_c_does_not_end_a_run(session: Dashboard) -> None:
    session.press("ctrl+c")
    session.wait_for("q to quit", KEY)
    reached = session.step
    session.wait_for(lambda: session.step > reached)


INSTALLED = Path(sysconfig.get_path("scripts")) / "steermore"


@pytest.mark.parametrize("program", [PROGRAM, (str(INSTALLED),)], ids=["module", "script"])
def test_q_saves_gives_the_terminal_back_and_leaves_no_process(
    program: tuple[str, ...], open_dashboard: Open
) -> None:
    dashboard = open_dashboard(program=program)
    dashboard.wait_until_it_trains()
    assert not dashboard.is_given_back
    assert len(dashboard.processes) == 2
    dashboard.press("q")
    dashboard.wait_for("stop and save")
    dashboard.press("\r")
    assert dashboard.wait_for_end() == 0
    assert dashboard.is_given_back
    dashboard.wait_for(lambda: not dashboard.processes)
    assert not is_served(dashboard.run)
    assert list((dashboard.run / "checkpoints").glob("*.safetensors"))


@pytest.mark.parametrize("presses", [1, 2])
def test_q_before_the_engine_is_ready_leaves_no_process(presses: int, open_dashboard: Open) -> None:
    dashboard = open_dashboard()
    dashboard.wait_for("q quit", FIRST_FRAME)
    dashboard.press(*["q"] * presses)
    assert dashboard.wait_for_end() == 0
    assert dashboard.is_given_back
    dashboard.wait_for(lambda: not dashboard.processes)


def test_a_dashboard_opened_paused_trains_only_when_asked(open_dashboard: Open) -> None:
    dashboard = open_dashboard("--paused")
    dashboard.wait_for(lambda: "paused" in dashboard.lines[0], TRAINING)
    dashboard.press("s")
    dashboard.wait_for("0  T 1", KEY)
    assert dashboard.step == 0
    dashboard.press("n")
    dashboard.wait_for(lambda: dashboard.step == 1, KEY)
    dashboard.press("space")
    dashboard.wait_for(lambda: dashboard.step > 1)


def test_sigterm_gives_the_terminal_back_and_the_engine_trains_on(
    open_dashboard: Open,
) -> None:
    dashboard = open_dashboard(*NO_END)
    dashboard.wait_until_it_trains()
    os.kill(dashboard.process.pid, signal.SIGTERM)
    assert dashboard.wait_for_end() == 128 + signal.SIGTERM
    assert dashboard.is_given_back
    assert_trains_on_and_can_be_ended(dashboard)


def test_closing_the_terminal_ends_the_dashboard_and_the_engine_trains_on(
    open_dashboard: Open,
) -> None:
    dashboard = open_dashboard(*NO_END)
    dashboard.wait_until_it_trains()
    dashboard.hang_up()
    dashboard.process.wait(20)
    assert_trains_on_and_can_be_ended(dashboard)


def assert_trains_on_and_can_be_ended(dashboard: Dashboard) -> None:
    client = Client(dashboard.run, "after")
    assert client.attach(20).welcome.running
    client.send(Shutdown())
    until_it_ends(client)
    client.close()


def until_it_ends(client: Client) -> None:
    with contextlib.suppress(EngineGone):
        while True:
            assert client.receive(20), "the engine is silent"


def test_an_engine_that_is_killed_is_told_on_the_screen(open_dashboard: Open) -> None:
    dashboard = open_dashboard()
    dashboard.wait_until_it_trains()
    os.kill(dashboard.engine, signal.SIGKILL)
    dashboard.wait_for("killed by signal 9")
    dashboard.wait_for(lambda: "engine ended" in dashboard.lines[0])
    dashboard.press("q")
    assert dashboard.wait_for_end() == 0
    assert dashboard.is_given_back


def test_a_steered_run_outlives_its_terminal_and_replays_bit_for_bit(
    tmp_path: Path, open_dashboard: Open
) -> None:
    # Few evaluations: what the keys did must stay in the part of the log that is in view.
    # At a pace: a fast machine must not reach an end before all keys are pressed.
    first = open_dashboard(
        *NO_END,
        *("--schedule", "constant"),
        *("--hidden-size", "16", "--evaluation-interval", "50000"),
    )
    first.wait_until_it_trains()
    for key in "+-+d":
        told = first.text.count("(you)")
        first.press(key)
        first.wait_for(lambda told=told: first.text.count("(you)") > told, KEY)  # type: ignore[misc]
        # A key pressed again within a second is one act with the press before, for undo.
        pressed = time.monotonic()
        first.wait_for(lambda pressed=pressed: time.monotonic() > pressed + 1.1)  # type: ignore[misc]
    first.press("u")
    first.wait_for("↶ undo", KEY)
    first.wait_for(lambda: first.effective == 0.2, KEY)
    first.press("u")
    first.wait_for(lambda: first.effective == 0.1, KEY)
    first.press("U")
    first.wait_for("↷ redo", KEY)
    first.wait_for(lambda: first.effective == 0.2, KEY)
    first.press("s")
    first.wait_for(lambda: len(first.names) == 10, KEY)
    first.press("space")
    first.wait_for(lambda: "paused" in first.lines[0], KEY)
    first.press("space")
    first.wait_for(lambda: "training" in first.lines[0], KEY)
    run = first.run
    first.hang_up()
    first.process.wait(20)
    left = first.step
    second = Dashboard(run.parent, "last", program=(*PROGRAM, "attach"))
    try:
        second.wait_for(lambda: second.step > left + 4_000, TRAINING)
        second.wait_for("↷ redo", KEY)
        second.press("Q")
        assert second.wait_for_end() == 0
    finally:
        second.close()
    replayed = subprocess.run(
        [*PROGRAM, "replay", str(run)], capture_output=True, text=True, timeout=120, check=False
    )
    assert replayed.returncode == 0, replayed.stdout
    assert replayed.stdout.startswith("bit-identical ")
    rolled = [e.reason for e in read_events(run) if isinstance(e, RolledBack)]
    assert rolled == ["undo", "undo", "redo"]


def test_keys_take_effect_in_the_order_in_which_they_were_typed(open_dashboard: Open) -> None:
    dashboard = open_dashboard(*NO_END, "--paused")
    dashboard.wait_for("‖ paused", TRAINING)
    # In one go, as over a slow line: into a dialog, into its field, out of it, and into the next.
    dashboard.press("l\x1b[C\x7f\x7f\x7f\x7f\x7f0.25\rl0.5\x7f\x7f.125\rsl7\x1b[D\x15\x7f\x7f2\r")

    def rates() -> list[Value]:
        changes = (e.changes for e in read_events(dashboard.run) if isinstance(e, KnobsChanged))
        return [change["learning_rate"][1] for change in changes]

    dashboard.wait_for(lambda: len(rates()) == 3, TRAINING)
    assert rates() == [0.25, 0.125, 27]
    drawn = [event for event in read_events(dashboard.run) if isinstance(event, SamplesDrawn)]
    assert len(drawn) == 1


def test_a_run_that_ended_is_shown_and_r_resumes_it(open_dashboard: Open) -> None:
    first = open_dashboard(*NO_END)
    first.wait_until_it_trains()
    first.press("Q")
    assert first.wait_for_end() == 0
    steps = read_column(first.run, 0).size
    again = Dashboard(first.run.parent, first.run.name, program=(*PROGRAM, "attach"))
    try:
        again.wait_for(lambda: "as it ended" in again.lines[0], TRAINING)
        again.wait_for(lambda: again.step == steps, KEY)
        assert not is_served(first.run)
        again.press("r")
        again.wait_for(lambda: again.step > steps, TRAINING)
        again.press("q")
        again.wait_for("keep training", KEY)
        again.press("k")
        assert again.wait_for_end() == 0
        assert_trains_on_and_can_be_ended(first)
    finally:
        again.close()


def test_x_forks_and_goes_on_in_the_fork(open_dashboard: Open) -> None:
    first = open_dashboard(*NO_END)
    first.wait_until_it_trains()
    (parent,) = first.run.parent.iterdir()
    first.press("x")
    first.wait_for(lambda: len(list(parent.parent.iterdir())) == 2, KEY)
    (child,) = set(parent.parent.iterdir()) - {parent}
    first.wait_for(lambda: is_served(child) and not is_served(parent), TRAINING)
    start = read_config(child).parent
    assert start is not None
    assert start.run == parent.name
    first.wait_for(lambda: first.step > start.step, TRAINING)
    first.wait_for(lambda: f"A is run {parent.name}" in first.text, KEY)
    first.press("Q")
    assert first.wait_for_end() == 0


def test_a_fork_of_a_paused_run_waits_to_be_told(open_dashboard: Open) -> None:
    first = open_dashboard(*NO_END)
    first.wait_until_it_trains()
    first.press("space")
    first.wait_for("paused", KEY)
    (parent,) = first.run.parent.iterdir()
    first.press("x")
    first.wait_for(lambda: f"A is run {parent.name}" in first.text, TRAINING)
    first.wait_for("paused", TRAINING)
    step = first.step
    first.press("n")
    first.wait_for(lambda: first.step == step + 1, KEY)
    first.press("Q")
    assert first.wait_for_end() == 0
