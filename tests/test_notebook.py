"""The model from Python: as README shows it, in a notebook's kernel, and with the bits of `fit`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from core.bigram import bigram_loss
from core.errors import UserError
from core.notebook import Found, Training
from core.record import read_column
from core.words import read_words
from tests.test_cli import fit, reported, steermore

ROOT = Path(__file__).parent.parent
MARK = "<!-- from-python -->"


def lines_of_readme() -> str:
    """The example under its mark in README."""
    _, found, after = (ROOT / "README.md").read_text("utf-8").partition(MARK)
    assert found, f"README.md has no example under {MARK}"
    block = re.match(r"\s*```python\n(.*?)```", after, re.DOTALL)
    assert block, f"README.md has no Python right under {MARK}"
    return block[1]


class Plots(ModuleType):
    """Stands in for matplotlib, which is no dependency: keeps what it is asked to draw."""

    def __init__(self) -> None:
        super().__init__("matplotlib.pyplot")
        self.drawn: list[tuple[Any, ...]] = []

    def subplots(self, rows: int, columns: int) -> tuple[None, list[Plots]]:
        """Axes that all draw here."""
        return None, [self] * (rows * columns)

    def semilogx(self, *columns: Any) -> None:
        self.drawn.append(columns)

    plot = semilogx


def test_the_ten_lines_of_readme_find_a_rate_train_and_draw_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plots, package = Plots(), ModuleType("matplotlib")
    package.pyplot = plots  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "matplotlib", package)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plots)
    monkeypatch.chdir(tmp_path)
    lines = lines_of_readme()
    assert len([line for line in lines.splitlines() if line]) == 10
    names: dict[str, Any] = {}
    exec(compile(lines, "README.md", "exec"), names)
    training = names["training"]
    assert training.step == 3_000
    (rates, smoothed), (curve,) = plots.drawn
    assert len(rates) == len(smoothed) > 500
    assert len(curve) == 3_000
    assert training.evaluate("dev") < (bigram_loss(training.data) or 0) < curve[0]
    said = capsys.readouterr().out
    assert f"{training.evaluate('dev'):.3f}"[:4] in said
    assert all(name in said for name in training.sample(10, seed=0))
    assert list(tmp_path.iterdir()) == []


def test_the_ten_lines_of_readme_run_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(name, reason="comes with the extra `notebook`")
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = ["%matplotlib inline\n" + lines_of_readme(), "training", "training.losses.dtype"]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    shown = [output for cell in notebook.cells for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    data = [output.get("data", {}) for output in shown]
    assert any("image/png" in each for each in data)
    texts = [each["text/plain"] for each in data if "text/plain" in each]
    assert texts[-2].startswith("<Training: MLP 3×10→200→27, 11,897 parameters, 32,469 words, step")
    assert texts[-1] == "dtype('float32')"


def test_it_has_the_bits_of_fit(names: Path, tmp_path: Path) -> None:
    flags = ("--data", names, "--preset", "fast", "--steps", "300", "--hidden-size", "32")
    act = ("--act", "120:learning_rate=0.02", "--act", "120:batch_size=16")
    fitted = fit(tmp_path, *flags, *act, program=steermore)
    found = reported(tmp_path, "find-lr", *flags, "--probes", "200")
    drawn = reported(tmp_path, "sample", "last", "--count", "5", "--seed", "3")

    training = Training(names, preset="fast", steps=300, hidden_size=32)
    test = training.find_rate(steps=200)
    assert test.suggestions == found["suggestions"]
    assert test.rates.tolist() == found["curve"]["rate"]
    first = training.advance(120)
    training.set_knobs(learning_rate=np.float64(0.02), batch_size=np.int64(16))
    rest = training.advance()
    assert training.weights_sha256 == fitted["weights_sha256"]
    assert (training.evaluate("train"), training.evaluate()) == (
        fitted["train_loss"],
        fitted["dev_loss"],
    )
    column = read_column(tmp_path / "runs" / fitted["run"], 0)
    assert np.concatenate([first, rest]).tobytes() == column.tobytes()
    assert training.losses.tobytes() == column.tobytes()
    assert training.sample(5, seed=3) == drawn["names"]


def test_a_recorded_run_is_taken_up_where_it_stands(names: Path, tmp_path: Path) -> None:
    flags = ("--data", names, "--steps", "200", "--temperature", "0.5")
    fitted = fit(tmp_path, *flags)
    before = (tmp_path / "runs" / fitted["run"] / "events.jsonl").read_bytes()
    training = Training.of_run("last", tmp_path / "runs")
    assert (training.step, len(training.losses)) == (200, 200)
    assert training.weights_sha256 == fitted["weights_sha256"]
    assert training.sample(4, seed=1) == training.sample(4, seed=1, temperature=0.5)
    training.advance(100)
    whole = Training(names, steps=200)
    whole.advance(300)
    assert training.weights_sha256 == whole.weights_sha256
    assert (tmp_path / "runs" / fitted["run"] / "events.jsonl").read_bytes() == before


def test_an_interrupt_leaves_a_whole_number_of_updates(names: Path) -> None:
    training, whole = Training(names), Training(names)

    def interrupt(*_: object) -> None:
        # The first update is slow, and what is under way is lost: some have to be there.
        if len(training.losses) > 100:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.4, 0.05)
        with pytest.raises(KeyboardInterrupt):
            training.advance(10_000_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(training.losses) == training.step > 0
    further = training.step + 100
    training.advance(100)
    whole.advance(further)
    assert training.losses.tobytes() == whole.losses.tobytes()
    assert training.weights_sha256 == whole.weights_sha256


def test_words_may_come_from_python(names: Path) -> None:
    words = list(read_words(names).words)
    given, read = Training(words), Training(str(names))
    assert list(given.advance(50)) == list(read.advance(50))


def test_a_whole_number_may_be_written_with_a_point(names: Path) -> None:
    training = Training(names)
    training.set_knobs(batch_size=64.0)
    assert repr(training.knobs["batch_size"]) == "64"
    training.set_knobs(drops=(np.int64(5), 9.0))  # type: ignore[arg-type]
    assert repr(training.knobs["drops"]) == "(5, 9)"


def test_finding_measuring_and_drawing_leave_the_training_as_it_is(names: Path) -> None:
    training, untouched = Training(names), Training(names)
    training.find_rate(steps=100)
    assert training.sample(3) != training.sample(3)
    assert training.sample(3, seed=0, prefix="ma") == training.sample(3, seed=0, prefix="ma")
    assert training.evaluate("test") > 0
    assert training.test_looks == 1
    training.advance(60)
    untouched.advance(60)
    assert training.weights_sha256 == untouched.weights_sha256


RISING = Found(1e-3, 1.0, 100, np.linspace(3, 9, 100, dtype=np.float32))

MISTAKES: dict[str, tuple[Callable[[Training], object], str]] = {
    "no such file": (lambda _: Training("nowhere.txt"), "nowhere.txt: no such file"),
    "too few words": (lambda _: Training(["emma", "ava"]), "words: holds only 2 words"),
    "a number for a word": (lambda _: Training([7]), "words: 7 is no word"),  # type: ignore[list-item]
    "two lines in a word": (lambda _: Training(["a\nb"]), r"words: 'a\nb' is no word"),
    "half a symbol": (lambda _: Training(["ab\ud800"] * 10), "is not valid UTF-8"),
    "no such option": (lambda _: Training(guard="off"), "guard is no option here; there are"),
    "no such preset": (lambda _: Training(preset="slow"), "preset slow must be one of"),
    "no such knob": (lambda it: it.set_knobs(speed=2), "speed 2 is no knob"),
    "a rate below 0": (lambda it: it.set_knobs(learning_rate=-1), "learning rate -1 must be"),
    "a rate in words": (lambda it: it.find_rate(low="x"), "low x must be"),  # type: ignore[arg-type]
    "rates reversed": (lambda it: it.find_rate(1, 0.1), "low 1 must be below"),
    "steps back": (lambda it: it.advance(-1), "updates -1 must be a whole number"),
    "no such split": (lambda it: it.evaluate("val"), "split val must be one of"),  # type: ignore[arg-type]
    "a symbol unheard of": (lambda it: it.sample(prefix="☂"), 'The symbol "☂" stands in no word'),
    "no temperature": (lambda it: it.sample(temperature=0), "temperature 0 must be"),
    "no run": (lambda _: Training.of_run("last", "nowhere"), "there is no run here yet"),
    "a list that is none": (lambda _: Training(5), "words: 5 is no list. Give a file's path"),  # type: ignore[arg-type]
    "bytes for a list": (lambda _: Training(b"emma"), "words: b'emma' is no list"),  # type: ignore[arg-type]
    "no name of a list": (lambda _: Training(""), "the name of the list is empty"),
    "a run by number": (lambda _: Training.of_run(5), "run 5 must be text or a path"),  # type: ignore[arg-type]
    "runs by number": (lambda _: Training.of_run("last", 5), "runs_dir 5 must be text or a path"),  # type: ignore[arg-type]
    "a run by its path": (lambda _: Training.of_run(Path("gone")), "gone"),
    "the end to begin with": (lambda it: it.sample(prefix="."), "prefix '.' has the symbol '.'"),
    "no text to begin with": (lambda it: it.sample(prefix=None), "prefix None must be text"),  # type: ignore[arg-type]
    "a list of bytes": (lambda _: Training(bytearray(b"emma" * 99)), "words: bytearray(b'emma"),  # type: ignore[arg-type]
    "runs nowhere": (lambda _: Training.of_run("last", 0), "runs_dir 0 must be text or a path"),  # type: ignore[arg-type]
    "an array for a word": (lambda it: it.set_knobs(optimizer=np.array([1, 2])), "must be one of"),  # type: ignore[arg-type]
    "a batch of yes": (lambda it: it.set_knobs(batch_size=True), "batch size True must be a whole"),
    "a drop in a step": (lambda it: it.set_knobs(drops=[1.5]), "drops 1.5 must be rising step"),  # type: ignore[list-item]
    "nothing found": (lambda _: RISING.suggestion, "or a lower one: find_rate(low=0.0001)"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence(mistake: str, names: Path) -> None:
    make, sentence = MISTAKES[mistake]
    training = Training(names)
    with pytest.raises(UserError) as told:
        make(training)
    assert sentence in str(told.value)
    assert training.step == 0


def test_importing_core_costs_next_to_nothing() -> None:
    script = "import sys, core; print({'torch', 'numpy', 'msgspec'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
