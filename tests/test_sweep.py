"""Sweeps from the command to the last trial, with real workers, engines and a journal file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from core.catalogue import listed, look
from core.options import not_given, shipped_names
from core.protocol import GuardTripped
from core.record import read_config, read_events
from core.sweep import Sweep
from core.sweep_begin import begun
from core.sweep_place import Order, Place
from core.sweep_report import table
from core.sweep_study import create, read, state_of, with_search
from core.sweep_trial import train
from core.sweep_worker import Worker
from tests.conftest import MakeRun, Steermore
from tests.sweeping import LONG, SMALL, Sweeping, long
from tests.terminal import ROOT, processes_naming


@pytest.fixture
def sweepings() -> Iterator[list[Sweeping]]:
    """Those in it are ended at the end."""
    started: list[Sweeping] = []
    yield started
    for each in started:
        if each.process.poll() is None:
            each.kill()


def test_a_sweep_makes_every_trial_as_a_run_of_its_own(
    tmp_path: Path, few_names: Path, sweepings: list[Sweeping], steermore: Steermore
) -> None:
    runs = tmp_path / "runs"
    sweeping = Sweeping(
        runs, "--study", "s", "--data", str(few_names), *SMALL, "--learning-rate", "0.1,100000",
        "--hidden-size", "8,16", "--workers", "2",
    )  # fmt: skip
    sweepings.append(sweeping)
    code, said = sweeping.finish()
    assert code == 0, said
    assert "study s: 4 of 4 trials, 2 diverged; best dev" in said

    standing = sweeping.standing()
    states = {tuple(trial.values.values()): trial.state for trial in standing.trials}
    assert states == {
        (size, rate): "finished" if rate == "0.1" else "diverged"
        for size in ("8", "16")
        for rate in ("0.1", "100000")
    }
    assert {name for name, _ in standing.importance} <= {"hidden_size", "learning_rate"}
    for trial in standing.trials:
        assert trial.directory == runs / f"s-{trial.number:03}"
        config, about = read_config(trial.directory), look(trial.directory)
        assert str(config.model.hidden_size) == trial.values["hidden_size"]
        assert config.knobs.learning_rate == float(trial.values["learning_rate"])
        if trial.state == "finished":
            # What Optuna is told is what the list of runs shows.
            assert (about.state, about.dev_loss) == ("finished", trial.dev)
            assert steermore("replay", trial.directory)[1].startswith("bit-identical")
        else:
            assert trial.why.startswith("guard: the loss climbed")
            assert any(isinstance(e, GuardTripped) for e in read_events(trial.directory))
    # The study is no run, and no process is left.
    assert {run.run for run in listed(runs)} == {f"s-{n:03}" for n in range(4)}
    assert processes_naming(runs) == []
    assert sweeping.workers == []

    code, shown, _ = steermore("sweep", "--show", "s", "--runs-dir", runs)
    assert code == 0
    assert "4 of 4 trials" in shown
    assert [line.split()[:2] for line in shown.splitlines()[-4:]] == [
        [str(trial.number), trial.state] for trial in standing.trials
    ]
    code, _, told = steermore(
        "sweep", "--study", "s", "--runs-dir", runs, "--data", few_names, "--steps", "300"
    )
    assert (code, "study s has 200" in told) == (2, True)
    code, _, told = steermore(
        "sweep", "--study", "s", "--runs-dir", runs, "--data", shipped_names()
    )
    assert (code, "sha256" in told) == (2, True)


@long
def test_a_trial_that_is_ended_early_can_be_resumed(
    make_run: MakeRun, steermore: Steermore
) -> None:
    directory = make_run(settings={"evaluation_interval": 100, "step_limit": 1_500, "pace": 1_000})
    heard: list[tuple[int, float]] = []

    def report(step: int, dev: float) -> bool:
        heard.append((step, dev))
        return step == 200

    ending = train(directory, report, threading.Event())
    assert ending.outcome == "pruned"
    assert "200" in ending.why
    assert [step for step, _ in heard] == [100, 200]
    assert ending.dev == min(dev for _, dev in heard)
    about = look(directory)
    assert about.state == "stopped"
    assert about.step is not None
    assert 200 <= about.step < 1_500
    code, said, _ = steermore("resume", directory, "--headless")
    assert (code, look(directory).state) == (0, "finished"), said
    assert steermore("replay", directory)[1].startswith("bit-identical")


def test_without_optuna_it_says_how_to_install_it(tmp_path: Path) -> None:
    script = (
        "import sys\nsys.modules['optuna'] = None\nsys.argv[1:] = ['sweep', '--seed', '1,2']\n"
        "from tui.__main__ import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "steermore: sweep needs optuna, which is not installed;"
        " `pip install 'steermore[sweep]'` brings it\n"
    )


@long
def test_a_killed_worker_costs_one_trial_and_ctrl_c_none(
    tmp_path: Path, few_names: Path, sweepings: list[Sweeping]
) -> None:
    runs = tmp_path / "runs"
    options = ("--study", "s", "--data", str(few_names), "--workers", "1")
    first = Sweeping(runs, *options, *LONG, "--learning-rate", "0.05:0.2", "--trials", "2")
    sweepings.append(first)
    before = first.wait_for(lambda now: any(trial.course for trial in now.trials))
    (worker,) = first.workers
    os.kill(worker, signal.SIGKILL)
    again = first.wait_for(lambda now: len(now.trials) > 1 and bool(now.trials[1].course))
    assert again.trials[0].state == "lost"
    assert again.trials[1].values == before.trials[0].values
    assert again.trials[0].directory is not None
    # Its engine does not train on for nobody.
    assert look(again.trials[0].directory).state in ("stopped", "finished")

    first.process.send_signal(signal.SIGINT)
    code, said = first.finish()
    assert code == 130, said
    assert "go on: steermore sweep --study s" in said
    assert processes_naming(runs) == []
    stopped = first.standing()
    assert [trial.state for trial in stopped.trials] == ["lost", "interrupted", "waiting"]
    assert stopped.trials[1].directory is not None
    assert look(stopped.trials[1].directory).state == "stopped"

    second = Sweeping(runs, *options)
    sweepings.append(second)
    code, said = second.finish()
    assert code == 0, said
    ended = second.standing()
    assert [trial.state for trial in ended.trials][2:] == ["finished", "finished"]
    assert ended.trials[2].values == before.trials[0].values


@long
def test_a_worker_that_was_taken_for_dead_goes_on_with_the_next_trial(
    tmp_path: Path, few_names: Path
) -> None:
    place = Place(tmp_path / "runs")
    given = not_given() | {
        "data": few_names, "learning_rate": "0.05:0.2", "hidden_size": "8", "embedding_size": "2",
        "step_limit": "1500", "pace": "1000",
    }  # fmt: skip
    study = begun(place, "s", given, trials=1, max_seconds=None, prune=None).study
    order = Order(str(place.runs), "s", heartbeat=1)
    worker = Worker(order, "nobody", threading.Event())
    working = threading.Thread(target=worker.work)
    working.start()

    def running() -> list[FrozenTrial]:
        found = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [trial for trial in found if trial.intermediate_values]

    deadline = time.monotonic() + 60
    while not running():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    study._storage.set_trial_state_values(running()[0]._trial_id, TrialState.FAIL)
    working.join(60)
    assert not working.is_alive()
    assert [state_of(trial) for trial in study.get_trials()] == ["lost", "finished"]
    assert processes_naming(place.runs) == []


@pytest.mark.filterwarnings("ignore:Heartbeat")
def test_a_trial_worse_than_the_median_is_ended_after_a_fifth_of_its_steps(tmp_path: Path) -> None:
    sweep = Sweep(flags={"learning_rate": "0.01:1"}, sha256="")
    study, _ = create(Place(tmp_path), "s", sweep, 20)
    with_search(study, sweep, 1_000)

    def make(level: float) -> tuple[int, ...]:
        """Dev losses around `level`; the steps at which it was to be ended."""
        trial = study.ask()
        ended: list[int] = []
        for step in range(100, 1_001, 100):
            trial.report(level + 100 / step, step)
            if trial.should_prune():
                ended.append(step)
        study.tell(trial, level)
        return tuple(ended)

    assert [make(level) for level in (2.0, 9.0, 2.2, 2.3)] == [()] * 4
    assert make(2.1) == ()
    assert make(3.0)[0] == 200
    with_search(study, Sweep(flags=sweep.flags, sha256="", prune=False), 1_000)
    assert make(3.0) == ()


def test_what_somebody_else_wrote_into_a_study_is_not_believed(tmp_path: Path) -> None:
    sweep = Sweep(flags={"learning_rate": "0.01:1", "hidden_size": "8,16"}, sha256="")
    place = Place(tmp_path)
    study, _ = create(place, "s", sweep, 20)
    (tmp_path / "s-000").mkdir()
    for rate, size, run in (
        (1e9, "8", "../../etc"),
        (0.5, "\x1b[2J", "\x1b[2J"),
        (0.1, "16", "s-000"),
    ):
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                value=2.0,
                params={"learning_rate": rate, "hidden_size": size},
                distributions={
                    "learning_rate": FloatDistribution(0, 1e9),
                    "hidden_size": CategoricalDistribution([size]),
                },
                user_attrs={"run": run, "host": socket.gethostname(), "outcome": 7, "tries": "x"},
            )
        )
    standing = read(place, study, sweep)
    assert [dict(trial.values) for trial in standing.trials] == [
        {"hidden_size": "8"}, {"learning_rate": 0.5}, {"learning_rate": 0.1, "hidden_size": "16"},
    ]  # fmt: skip
    assert [trial.directory for trial in standing.trials] == [None] * 3
    assert "\x1b" not in "".join(table(standing))


@long
def test_a_trial_that_a_person_steers_is_left_to_them(make_run: MakeRun) -> None:
    from core.client import Client
    from core.protocol import SetKnobs, Shutdown

    directory = make_run(settings={"evaluation_interval": 100, "step_limit": 10**6, "pace": 1_000})
    person = Client(directory, "person")

    def report(step: int, dev: float) -> bool:
        if step == 100:
            person.attach(30)
            person.send(SetKnobs(values={"learning_rate": 0.01}))
        return False

    try:
        ending = train(directory, report, threading.Event(), max_seconds=30)
        assert ending.outcome == "steered"
        assert look(directory).state == "training"
    finally:
        person.send(Shutdown())
        person.close()


@long
def test_a_trial_whose_time_is_over_is_measured_and_counts(make_run: MakeRun) -> None:
    directory = make_run(settings={"evaluation_interval": 10**6, "step_limit": 10**6})
    ending = train(directory, lambda step, dev: False, threading.Event(), max_seconds=0.5)
    assert ending.outcome == "finished"
    assert ending.dev == look(directory).dev_loss
    assert "time" in ending.why


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "or --hidden-size 50,100,200\n"),
        (("--study", "gone"), "is none called gone"),
        (("--show", "gone"), "there is no study gone"),
        (("--show", "../gone"), "must be letters"),
        (("--learning-rate", "1:0.1"), "must rise"),
        (("--learning-rate", "0.1:1", "--trials", "0"), "trials 0"),
        (("--learning-rate", "0.1:1", "--workers", "none"), "workers"),
        (("--learning-rate", "0.1:1", "--max-seconds", "0"), "max seconds"),
        (("--learning-rate", "0.1:1", "--heartbeat", "0"), "heartbeat"),
        (("--learning-rate", "0.1:1", "--steps", "100:200"), "step limit"),
        (("--schedule", "exponential,linear"), "exponential"),
        (("--learning-rate", "0.1:1", "--storage", "sqlite:///x"), "sqlite"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_study(
    steermore: Steermore, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    code, out, told = steermore("sweep", "--headless", "--runs-dir", tmp_path / "runs", *options)
    assert code == 2
    assert said in told
    assert told.count("\n") == 1
    assert not out
    assert not list(tmp_path.glob("runs/sweeps/*"))
