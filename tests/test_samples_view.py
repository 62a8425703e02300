"""The large view of samples: steered, marked, side by side, kept, copied, written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from textual.widgets import Input, OptionList, Static

from core.commands import obey
from core.config import PRESETS
from core.dataset import Dataset, load
from core.dials import ConfigError
from core.draw_limits import MOST_AT_ONCE
from core.protocol import (
    CommandRejected,
    Evaluate,
    Evaluated,
    Sample,
    SamplesDrawn,
    SetKnobs,
    Shutdown,
    Undo,
)
from core.run import Run
from tests.conftest import MakeRun
from tests.test_dashboard import Hands, shown
from tests.test_steering_keys import Start, play
from tests.test_time_travel import heard, settle, train
from tui.history.history import History
from tui.samples.desk import Desk, ordered
from tui.samples.drawing import MOST_AGAIN, Draws, is_due
from tui.samples.drawings import Column, Series, all_series, columns_of, dev_at, spread
from tui.samples.kept import favourite
from tui.samples.lines import text_of, window
from tui.samples.marks import Marks, told
from tui.samples.names_view import KeptView, NamesView
from tui.samples.steps_view import StepsView
from tui.samples.wishing import usual, wish_of
from tui.samples.writing import NotWritten, path_of, write_names
from tui.screens.confirm import Question
from tui.screens.sample_keys import PANES
from tui.screens.samples import Samples
from tui.screens.write_names import WriteNames
from tui.widgets.name_pane import NamePane

SIZES = ((24, 8), (38, 17), (56, 40), (76, 12), (160, 48))


def drawn(step: int, seq: int | None = None, *, names: int = 10, seed: int = 7) -> SamplesDrawn:
    """A drawing as an engine tells it; its losses rise and fall."""
    return SamplesDrawn(
        seq=step if seq is None else seq,
        branch=0,
        step=step,
        time=0.0,
        names=tuple(f"name{'x' * index}" for index in range(names)),
        losses=tuple(1 + index * 7 % 10 / 10 for index in range(names)),
        temperature=1.0,
        top_k=0,
        seed=seed,
        prefix="",
        max_length=50,
    )


def evaluated(step: int, dev: float) -> Evaluated:
    return Evaluated(
        seq=step, branch=0, step=step, time=0.0, train=dev, dev=dev, train_examples=1,
        dev_examples=1, whole=True, best=True,
    )  # fmt: skip


def desk_of(*drawings: SamplesDrawn) -> Desk:
    marks = Marks(lambda name: {"namex": "train", "namexx": "dev"}.get(name))  # type: ignore[arg-type, return-value]
    marks.ready = True
    desk = Desk(marks, columns=[Column(drawing) for drawing in drawings])
    desk.series = Series.of(drawings[0]) if drawings else None
    return desk


# --- drawings -------------------------------------------------------------------------------------


def test_drawings_are_one_series_if_only_step_and_count_differ() -> None:
    drawings = [drawn(0), drawn(10, seed=8), drawn(20, names=3)]
    assert [series.seed for series in all_series(drawings)] == [8, 7]
    wish = Series.of(drawings[0]).wish(5)
    assert (wish.seed, wish.count, wish.temperature, wish.top_k) == (7, 5, 1.0, 0)


def test_equal_weights_are_one_column_and_what_was_undone_is_marked(make_run: MakeRun) -> None:
    run = Run(make_run())
    history = History(run.config)

    def draw(count: int, seed: int = 7) -> None:
        obey(run, Sample(count=count, seed=seed))

    obey(run, Evaluate())
    settle(run)
    draw(3)
    draw(5)
    draw(2)
    train(run, 20)
    draw(4)
    obey(run, SetKnobs(values={"learning_rate": 0.05}))
    draw(4, seed=8)
    train(run, 10)
    draw(4)
    obey(run, Undo())
    settle(run)
    train(run, 10)
    draw(4)
    run.journal.flush()
    for event in heard(run):
        history.apply(event, 0.0)
    run.close()
    columns = columns_of(history, Series.of(history.samples[0]))
    told_of = [(column.step, len(column.drawn.names), column.undone) for column in columns]
    assert told_of == [(0, 5, False), (20, 4, False), (30, 4, True), (30, 4, False)]
    assert columns[0].dev == history.evaluations[0].dev
    # Name i depends on the weights and the seed, not on the count.
    assert columns[0].drawn.names[:3] == history.samples[0].names


def test_the_dev_loss_is_that_of_the_step_or_of_one_close_by() -> None:
    evaluations = (evaluated(0, 3.3), evaluated(5_000, 2.4))
    assert dev_at(evaluations, 0) == (3.3, False)
    assert dev_at(evaluations, 5_000) == (2.4, False)
    assert dev_at(evaluations, 5_300) == (2.4, True)
    assert dev_at(evaluations, 7_500) == (None, False)
    assert dev_at((), 10) == (None, False)


def test_of_many_steps_the_first_the_newest_and_some_spread_between_are_shown() -> None:
    steps = [0, *range(500, 100_001, 500)]
    last = len(steps) - 1
    chosen = spread(steps, 5, last, last)
    assert (len(chosen), chosen[0], chosen[-1]) == (5, 0, last)
    between = [steps[index] for index in chosen]
    assert between == sorted(between)
    # More of them early on, where the model changes most.
    assert between[2] < 20_000


def test_the_step_looked_at_is_always_shown_and_looking_about_moves_no_column() -> None:
    steps = list(range(0, 1_000, 10))
    for room, here in itertools.product((1, 2, 3, 7), range(100)):
        chosen = spread(steps, room, 99, here)
        assert len(chosen) <= room
        assert here in chosen
        assert chosen == sorted(set(chosen))
    shown_first = spread(steps, 7, 99, 99)
    assert all(spread(steps, 7, 99, here) == shown_first for here in shown_first)
    assert spread(steps[:4], 7, 3, 0) == [0, 1, 2, 3]


def test_equal_steps_of_branches_that_were_left_can_be_spread_too() -> None:
    assert len(spread([5] * 9, 4, 3, 8)) == 4


def test_names_are_sorted_by_loss_and_without_losses_left_as_drawn() -> None:
    losses = (2.0, 1.0, 3.0)
    assert ordered(losses, 3, "drawn") == [0, 1, 2]
    assert ordered(losses, 3, "lowest loss first") == [1, 0, 2]
    assert ordered(losses, 3, "highest loss first") == [2, 0, 1]
    assert ordered((), 3, "lowest loss first") == [0, 1, 2]


def test_nothing_is_drawn_by_itself_from_weights_that_are_drawn_already() -> None:
    columns = [Column(drawn(0)), Column(drawn(5_300)), Column(drawn(9_000), undone=True)]
    at_5_000, at_10_000 = evaluated(5_000, 2.4), evaluated(10_000, 2.3)
    assert not is_due("off", [], (), 10)
    assert is_due("evaluations", [], (), 0)
    assert not is_due("evaluations", columns, (at_5_000,), 5_300)
    assert not is_due("evaluations", columns, (at_5_000,), 9_900)
    assert is_due("evaluations", columns, (at_5_000, at_10_000), 10_010)
    assert not is_due("doublings", columns, (), 10_599)
    assert is_due("doublings", columns, (), 10_600)
    assert not is_due("doublings", columns[:1], (), 99)
    assert is_due("doublings", columns[:1], (), 100)


def test_one_drawing_at_most_is_under_way_and_only_its_own_answer_ends_it() -> None:
    sent: list[object] = []

    def send(command: object) -> int:
        sent.append(command)
        return len(sent)

    draws = Draws(send)
    wish = Sample(count=10, seed=7, temperature=1.0, top_k=0)
    draws.ask(wish, 0.0)
    draws.ask(wish, 1.0)
    assert len(sent) == 1
    # Another dashboard's first command has the same number.
    assert draws.hear(msgspec.structs.replace(drawn(3, seed=9), answers=1)) is None
    assert draws.asked == 1
    answer = msgspec.structs.replace(drawn(3), answers=1)
    assert draws.hear(answer) is answer
    draws.ask(wish, 2.0)
    draws.hear(CommandRejected(answers=2, command="Sample", reason="on the way"))
    assert draws.asked is None
    assert draws.reason == "not drawn: on the way"


# --- marks, lines ---------------------------------------------------------------------------------


def test_a_name_s_mark_is_looked_up_once_and_not_before_the_list_is_counted() -> None:
    asked: list[str] = []

    def split_of(name: str) -> None:
        asked.append(name)

    marks = Marks(split_of)
    assert marks.of("anna") == "unknown"
    marks.ready = True
    assert [marks.of("anna"), marks.of("anna"), marks.of("")] == ["new", "new", "empty"]
    assert asked == ["anna"]


def test_hostile_names_are_harmless() -> None:
    for name in ("\x1b[31mred", "a\u202eb", "\u0301e", "a\u200db"):
        assert told(name).isprintable()
    assert told("\u0301e").startswith("◌")
    assert told("") == "(empty)"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_lines_keep_to_their_pane_and_the_name_looked_at_is_always_seen(
    width: int, height: int
) -> None:
    desk = desk_of(*(drawn(10 * index, names=100) for index in range(30)))
    desk.kept.toggle(favourite(desk.columns[0].drawn, 99))
    desk.columns.append(Column(msgspec.structs.replace(drawn(999), names=("東京" * 9,) * 10)))
    for name, column in itertools.product((0, 5, 99), (0, 15, 30)):
        desk.go(name, desk.columns[column].drawn.seq)
        for view in (NamesView(desk), StepsView(desk), KeptView(desk)):
            lines = view.lines(width, height)
            assert 0 < len(lines) <= height
            assert all(cell_len(text_of(line)) <= max(width, 38) for line in lines)
            chosen = [line for line in lines if any(piece.chosen for piece in line)]
            assert len(chosen) == 1
            assert text_of(chosen[0]).startswith("▸")
    assert list(window(100, 99, 10)) == list(range(90, 100))
    assert list(window(3, 0, 10)) == [0, 1, 2]


def test_a_row_says_mark_by_glyph_and_word_and_the_loss() -> None:
    lines = list(map(text_of, NamesView(desk_of(drawn(10))).lines(38, 20)))
    assert lines[1].split() == ["▸", "+", "name", "new", "1.00"]
    assert lines[2].split() == ["○", "namex", "in", "train", "1.70"]
    assert lines[3].split() == ["●", "namexx", "in", "dev", "1.40"]
    assert "8 new · 1 in train · 1 in dev" in " ".join(lines)


def test_columns_say_step_dev_mean_and_how_many_are_new() -> None:
    desk = desk_of(drawn(0), drawn(500))
    desk.columns = [Column(drawn(0), undone=True), Column(drawn(500), dev=2.4, nearby=True)]
    lines = list(map(text_of, StepsView(desk).lines(76, 20)))
    assert lines[0].split() == ["step", "0", "step", "500"]
    assert lines[1].split() == ["↶", "undone", "dev", "~2.400"]
    assert lines[-2].split() == ["mean", "1.45", "1.45"]
    assert lines[-1].split() == ["new", "8", "of", "10", "8", "of", "10"]


def test_all_steps_can_be_scrolled_through() -> None:
    desk = desk_of(*(drawn(10 * index) for index in range(20)))
    view = StepsView(desk)
    assert "4 of 20 steps, spread out" in view.title(76)
    desk.every = True
    seen = {*view.shown(76)}
    for _ in range(20):
        desk.turn(-1, view.shown(76))
        assert desk.here in view.shown(76)
        seen |= {*view.shown(76)}
    assert seen == set(range(20))


# --- fields, files --------------------------------------------------------------------------------


@pytest.fixture
def data(names: Path) -> Dataset:
    return load(names, 3, 42)


def test_what_is_typed_is_checked_by_the_engine_s_own_ranges(data: Dataset) -> None:
    settings = PRESETS["lecture"].settings
    texts = usual(settings)
    wish = wish_of(texts, data)
    assert (wish.count, wish.temperature, wish.top_k) == (10, settings.temperature, 0)
    assert (wish.seed, wish.prefix) == (None, "")

    def fault(**changes: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            wish_of(replace(texts, **changes), data)
        return caught.value

    for field, text in (
        ("count", str(MOST_AT_ONCE + 1)),
        ("count", "many"),
        ("temperature", "0"),
        ("top_k", "-1"),
        ("seed", "x"),
        ("beginning", "a.b"),
        ("beginning", "aé"),
    ):
        error = fault(**{field: text})
        assert error.field == field
        assert str(error).startswith(field.replace("_", " "))
        assert "must" in str(error)


def test_a_file_is_written_whole_or_not_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_names(["anna", "é"], path_of("out.txt"), over=False)
    assert Path("out.txt").read_text("utf-8") == "anna\né\n"
    with pytest.raises(NotWritten, match="exists already"):
        write_names(["x"], path_of("out.txt"), over=False)
    assert Path("out.txt").read_text("utf-8") == "anna\né\n"
    write_names(["x"], path_of("out.txt"), over=True)
    assert Path("out.txt").read_text("utf-8") == "x\n"
    # A dash means no standard output here.
    write_names(["x"], path_of("-"), over=False)
    assert Path("-").exists()
    for text, why in (
        ("", "type a name"),
        (str(tmp_path), "is a folder"),
        ("/dev/null", "regular"),
    ):
        with pytest.raises(NotWritten, match=why):
            path_of(text)


# --- the screen, with a real engine ---------------------------------------------------------------


class Eyes:
    """What a person before the view sees."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands

    async def open(self) -> None:
        await self.hands.press("S")
        await self.hands.open(Samples)

    def rows(self, pane: str) -> list[str]:
        return [row.rstrip() for row in shown(self.hands.app.screen.query_one(pane)).splitlines()]

    def text(self, selector: str) -> str:
        return str(self.hands.app.screen.query_one(selector, Static).content)

    def title(self, selector: str) -> str:
        return str(self.hands.app.screen.query_one(selector).border_title)

    @property
    def steps(self) -> list[str]:
        """The heads of the columns."""
        return re.findall(r"step ([\d,]+)", self.rows("#steps")[0])

    def drawings(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.hands.training.history.samples) == count

    def says(self, selector: str, text: str) -> Callable[[], bool]:
        return lambda: text in self.text(selector)


def test_names_are_steered_compared_kept_copied_and_written(
    make_run: MakeRun, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def scenario(hands: Hands) -> None:
        eyes, history = Eyes(hands), hands.training.history
        await eyes.open()
        assert any("Nothing is drawn yet" in row for row in eyes.rows("#names"))
        await steered(hands, eyes)
        await compared(hands, eyes)
        await taken_home(hands, eyes)
        assert history.acts == ()
        assert history.settings.temperature == 1.0

    async def steered(hands: Hands, eyes: Eyes) -> None:
        await hands.type("#temperature", "0")
        await hands.until(eyes.says("#note", "✗ temperature 0 must be a number above 0"))
        assert hands.app.screen.query_one("#temperature", Input).has_class("-wrong")
        await hands.press("enter")
        assert not hands.training.history.samples
        await hands.type("#temperature", "0.8")
        await hands.until(eyes.says("#note", "the run's own stays 1"))
        await hands.type("#count", "6")
        await hands.type("#beginning", "an")
        await hands.type("#seed", "5")
        await hands.press("enter")
        await hands.until(eyes.drawings(1))
        first = hands.training.history.samples[0]
        assert (first.temperature, first.seed, first.prefix) == (0.8, 5, "an")
        await hands.until(eyes.says("#note", "seed 5 · temperature 0.8 · top-k off · beginning an"))
        assert isinstance(hands.app.screen.focused, NamePane)
        listed = [row.split() for row in eyes.rows("#names")[1:7]]
        assert [row[-1] for row in listed] == [f"{loss:.2f}" for loss in first.losses]
        await hands.press("o")
        await hands.until(lambda: "lowest loss first" in eyes.title("#names"))
        losses = [float(row.split()[-1]) for row in eyes.rows("#names")[1:7]]
        assert losses == sorted(losses)
        await hands.press("o", "o")
        # Equal weights draw equal names: it is said, not done.
        await hands.press("a")
        await hands.until(eyes.says("#detail", "step 0 is drawn already"))

    async def compared(hands: Hands, eyes: Eyes) -> None:
        await hands.press("e")
        await hands.until(lambda: "at every evaluation" in eyes.title("#box"))
        await hands.press("escape")
        await hands.press("space")
        await hands.until(lambda: hands.training.history.finished)
        await eyes.open()
        await hands.until(lambda: len(eyes.steps) == 2)
        assert eyes.steps == ["0", "400"]
        samples = hands.training.history.samples
        assert [drawn.seed for drawn in samples] == [5, 5]
        assert all(len(drawn.names) <= MOST_AGAIN for drawn in samples)
        assert "dev 3" in eyes.rows("#steps")[1] or "dev 2" in eyes.rows("#steps")[1]
        for name in (samples[0].names[0], samples[1].names[0]):
            assert told(name)[:6] in eyes.rows("#steps")[2]
        assert eyes.title("#names") == "Names, step 400"
        await hands.press("left")
        await hands.until(lambda: eyes.title("#names") == "Names, step 0")
        await hands.press("right", "s")
        # Drawn as the fields say, from the same weights: no column more.
        await hands.until(eyes.drawings(3))
        assert eyes.steps == ["0", "400"]

    async def taken_home(hands: Hands, eyes: Eyes) -> None:
        names = hands.training.history.samples[-1].names
        await hands.press("home", "f", "down", "down", "f")
        await hands.until(lambda: eyes.title("#kept") == "★ Kept, 2")
        await hands.press("c")
        assert hands.app.clipboard == names[2]
        assert "OSC 52" in eyes.text("#detail")
        await hands.press("C")
        assert hands.app.clipboard.split("\n") == list(names)
        await hands.press("tab", "tab", "C")
        assert hands.app.clipboard.split("\n") == [names[0], names[2]]
        await hands.press("w")
        await hands.open(WriteNames)
        await hands.press("enter")
        await hands.open(Samples)
        written = tmp_path / "kept-names.txt"
        assert written.read_text("utf-8").split() == [names[0], names[2]]
        assert str(written) in eyes.text("#detail")
        await not_overwritten(hands, written, names)
        await hands.press("f")
        await hands.until(lambda: eyes.title("#kept") == "★ Kept, 1")
        await hands.press("escape", "S")
        await hands.open(Samples)
        await hands.until(lambda: eyes.title("#kept") == "★ Kept, 1")

    async def not_overwritten(hands: Hands, written: Path, names: tuple[str, ...]) -> None:
        await hands.press("shift+tab", "w")
        await hands.open(WriteNames)
        await hands.type("Input", written.name)
        await hands.press("enter")
        await hands.open(Question)
        assert hands.app.screen.query_one(OptionList).highlighted == 0
        await hands.press("enter")
        await hands.open(WriteNames)
        assert len(written.read_text("utf-8").split()) == 2
        await hands.press("enter")
        await hands.open(Question)
        await hands.press("down", "enter")
        await hands.open(Samples)
        assert written.read_text("utf-8").split("\n")[:-1] == list(names)

    run = make_run(settings={"step_limit": 400, "evaluation_interval": 200})
    play(run, start, scenario, (120, 36))


def test_the_same_seed_is_drawn_by_itself_as_training_goes_on(
    make_run: MakeRun, start: Start
) -> None:
    async def scenario(hands: Hands) -> None:
        eyes, history = Eyes(hands), hands.training.history
        await hands.press("space")
        await eyes.open()
        await hands.press("e")
        await hands.until(lambda: len(history.samples) >= 3)
        assert len({drawing.seed for drawing in history.samples}) == 1
        steps = [drawing.step for drawing in history.samples]
        assert steps == sorted(set(steps))
        await hands.press("tab")
        await hands.until(lambda: len(eyes.steps) >= 3)
        assert history.running
        assert history.acts == ()
        await hands.press("e", "e")
        await hands.until(lambda: "again" not in eyes.title("#box"))

    settings = {"step_limit": 10**9, "evaluation_interval": 500, "pace": 1_000}
    play(make_run(settings=settings), start, scenario, (80, 24))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
def test_every_pane_and_key_can_be_reached_at_every_size(
    make_run: MakeRun, start: Start, size: tuple[int, int]
) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await eyes.open()
        await hands.press("s")
        await hands.until(eyes.drawings(1))
        screen = hands.app.screen
        for stop in (
            "steps",
            "kept",
            "beginning",
            "count",
            "temperature",
            "top_k",
            "seed",
            "names",
        ):
            await hands.press("tab")
            focused = screen.focused
            assert focused is not None
            assert focused.id == stop
            await hands.until(lambda widget=focused: widget.region.height > 0)  # type: ignore[misc]
            assert focused.region.right <= size[0]
            assert focused.region.bottom <= size[1]
        panes = [screen.query_one(f"#{pane}").region.height > 0 for pane in PANES]
        assert panes == [True, size[0] > 80, size[0] > 80]
        assert ("Tab: step by step" in eyes.title("#names")) == (size[0] == 80)
        keys = " ".join(shown(line) for line in screen.query("KeyLine"))
        for key in ("s draw", "a again", "e by itself", "p before", "n after", "o order", "v steps",
                    "b fields", "f keep", "c copy", "C copy all", "w write all", "tab next",
                    "Esc leave"):  # fmt: skip
            assert key in keys
        # The mouse chooses a name, and its wheel the next.
        await hands.pilot.click("#names", offset=(8, 4))
        await hands.until(lambda: eyes.rows("#names")[3].startswith("▸"))
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.training)

    play(make_run(), start, scenario, size)


def test_without_an_engine_it_shows_what_was_drawn(make_run: MakeRun, start: Start) -> None:
    async def scenario(hands: Hands) -> None:
        eyes = Eyes(hands)
        await hands.press("s")
        await hands.until(eyes.drawings(1))
        hands.app.send(Shutdown())
        await hands.until(lambda: hands.training.link == "gone")
        await eyes.open()
        name = hands.training.history.samples[0].names[1]
        await hands.until(lambda: told(name)[:8] in eyes.rows("#names")[2])
        assert "no engine at work" in eyes.text("#note")
        await hands.press("b", "enter", "C")
        assert len(hands.training.history.samples) == 1
        assert hands.app.clipboard.split("\n") == list(hands.training.history.samples[0].names)

    play(make_run(), start, scenario, (80, 24))
