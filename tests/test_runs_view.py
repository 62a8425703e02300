"""The view of runs: found, sorted, marked, compared, and what can be done to them from there."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from textual.geometry import Offset
from textual.widgets import Input, OptionList

from core.catalogue import look
from core.commands import obey
from core.config import RunConfig
from core.forking import fork
from core.journal import Journal
from core.launch import load_data
from core.protocol import Evaluate, Resume, RunOpened, StepsDone
from core.record import is_served, read_config
from core.renaming import rename
from core.stopping import stop
from tests.conftest import Engine, MakeRun
from tests.test_dashboard import Hands, shown
from tests.test_other_runs import ended
from tests.test_time_travel import reopened, settle, train
from tui.app import SteermoreApp
from tui.chart.companions import LETTERS
from tui.chart.look import USUAL, Look
from tui.comparing.overlay import Overlay, overlay
from tui.comparing.reading import KEPT, Shelf, list_key
from tui.comparing.settings import DIFFERS
from tui.comparing.sparks import POINTS, read_spark, spark_text
from tui.screens import run_reading
from tui.screens.run_questions import AskRunName, Delete
from tui.screens.runs import Runs, shortened
from tui.widgets.overlay_chart import OverlayChart
from tui.widgets.rows import RowsPane
from tui.widgets.runs_list import RunsList

CONSTANT = {"schedule": "constant", "drops": ()}


def lived(directory: Path, name: str, updates: int) -> Path:
    """A run that was trained, evaluated, ended, and called so."""
    run = reopened(directory)
    train(run, updates)
    obey(run, Evaluate())
    settle(run)
    return rename(ended(run), name)


@pytest.fixture
def here(make_run: MakeRun) -> Path:
    """The run on the screen."""
    return lived(make_run(knobs=CONSTANT), "here", 120)


@pytest.fixture
def folder(here: Path, make_run: MakeRun) -> Path:
    """With others beside it."""
    lived(make_run(knobs=CONSTANT | {"learning_rate": 0.2}), "steeper", 200)
    lived(make_run("fast", model={"hidden_size": 20}), "fast-one", 90)
    broken = ended(reopened(make_run()))
    (broken / "config.json").write_text("{")
    broken.rename(broken.with_name("broken \x1b[31m"))
    return here.parent


class Eyes(Hands):
    """What a person sees in the view of runs, and does there."""

    @property
    def view(self) -> Runs:
        view = next(screen for screen in self.app.screen_stack if isinstance(screen, Runs))
        assert isinstance(view, Runs)
        return view

    @property
    def rows(self) -> list[str]:
        """The rows of the list that can be seen, without their head."""
        pane = self.view.query_one(RunsList)
        lines = [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]
        return [line for line in lines[1:] if line.strip()]

    @property
    def head(self) -> str:
        return self.view.query_one(RunsList).render_line(0).text

    @property
    def names(self) -> list[str]:
        return [run.run for run in self.view.board.shown]

    @property
    def detail(self) -> str:
        return " ".join(shown(self.view.query_one("#detail")).split())

    @property
    def settings(self) -> list[str]:
        pane = self.view.query_one("#settings", RowsPane)
        return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]

    @property
    def overlay(self) -> Overlay:
        return self.view.query_one(OverlayChart).overlay

    async def go_to(self, name: str) -> None:
        self.view.board.go(self.names.index(name))
        self.view.show_board()
        await self.pilot.pause()

    async def filter(self, text: str) -> None:
        field = self.view.query_one("#filter", Input)
        if not field.has_focus:
            await self.press("slash")
            await self.until(lambda: field.has_focus)
        field.value = text
        await self.pilot.pause()


Scenario = Callable[[Eyes], Awaitable[None]]


def look_around(
    here: Path, count: int, scenario: Scenario, size: tuple[int, int] = (120, 36)
) -> SteermoreApp:
    """Open the view over a run as it ended, and let a scenario play once all runs are there."""
    app = SteermoreApp(here, load_data(here, read_config(here)))

    async def show() -> None:
        async with app.run_test(size=size) as pilot:
            eyes = Eyes(app, pilot)
            await eyes.until(lambda: eyes.training.link == "resting")
            await eyes.press("o")
            await eyes.open(Runs)
            await eyes.until(lambda: len(eyes.names) == count and not eyes.view.listing)
            await scenario(eyes)

    asyncio.run(show())
    return app


# --- the list ------------------------------------------------------------------------------------


def test_every_run_stands_in_the_list_with_its_figures_and_its_curve(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        await eyes.until(lambda: len(eyes.view.shelf.sparks) == 4)
        await eyes.until(lambda: any("▇" in row for row in eyes.rows))
        rows = {row[2:22].strip(): row for row in eyes.rows}
        assert set(rows) == {"here", "steeper", "fast-one", "broken �[31m"}
        about = look(folder / "steeper")
        for figure in ("stopped", " 200 ", f"{about.dev_loss:.3f}", f"{about.train_loss:.3f}",
                       " 0.2 ", " 32 ", " 16 "):  # fmt: skip
            assert figure in rows["steeper"]
        assert "unreadable" in rows["broken �[31m"]
        assert "▇" not in rows["broken �[31m"]
        assert rows["here"].startswith("A ")
        await eyes.go_to("broken \x1b[31m")
        assert "config.json is damaged" in eyes.detail

    look_around(folder / "here", 4, scenario)


def test_it_is_sorted_by_any_column_in_both_directions_by_keys_and_by_mouse(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        await eyes.press("s")
        assert "best▲" in eyes.head
        await eyes.press("less_than_sign", "less_than_sign")
        assert "run▲" in eyes.head
        assert eyes.names == ["broken \x1b[31m", "fast-one", "here", "steeper"]
        await eyes.press("S")
        assert "run▼" in eyes.head
        assert eyes.names == ["steeper", "here", "fast-one", "broken \x1b[31m"]
        while "step▲" not in eyes.head:
            await eyes.press("greater_than_sign")
        assert eyes.names == ["fast-one", "here", "steeper", "broken \x1b[31m"]
        await eyes.press("less_than_sign")
        assert "best▲" in eyes.head
        for arrow, best in (("▼", max), ("▲", min)):
            await eyes.pilot.click(RunsList, offset=Offset(eyes.head.index("best"), 0))
            await eyes.until(lambda arrow=arrow: f"best{arrow}" in eyes.head)  # type: ignore[misc]
            losses = [run.dev_loss for run in eyes.view.board.shown if run.dev_loss]
            assert losses[0] == best(losses)
            assert eyes.names[-1] == "broken \x1b[31m"

    look_around(folder / "here", 4, scenario)


def test_it_narrows_with_every_character_and_says_what_cannot_be_read(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        await eyes.press("slash", *"lr")
        await eyes.until(lambda: eyes.names == [])
        await eyes.press(">")
        await eyes.until(lambda: "a value is missing behind >" in eyes.detail)
        assert len(eyes.names) == 4
        await eyes.press(*"0.05")
        await eyes.until(lambda: set(eyes.names) == {"here", "steeper"})
        await eyes.until(lambda: "2 of 4" in str(eyes.view.query_one("#box").border_title))
        await eyes.press(*"x>1")
        await eyes.until(lambda: "0.05x>1 is no value here" in eyes.detail)
        assert len(eyes.names) == 4
        await eyes.filter("speed>1")
        said = "speed is no field of a run; did you mean seed?"
        await eyes.until(lambda: said in eyes.detail)
        await eyes.filter("hidden>16 preset=fast")
        await eyes.until(lambda: eyes.names == ["fast-one"])
        field = eyes.view.query_one("#filter", Input)
        await eyes.press("enter")
        await eyes.until(lambda: not field.has_focus)
        await eyes.press("slash")
        await eyes.until(lambda: field.has_focus)
        # Of the list it would leave the view.
        await eyes.press("escape")
        await eyes.until(lambda: len(eyes.names) == 4 and not field.has_focus)
        await eyes.press("escape")
        await eyes.until(lambda: eyes.app.screen is eyes.training)

    look_around(folder / "here", 4, scenario)


def test_a_click_goes_to_a_row_and_arrows_do_while_a_filter_is_typed(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        for row in (3, 1):
            await eyes.pilot.click(RunsList, offset=Offset(5, 1 + row))
            await eyes.until(lambda row=row: eyes.view.board.row == row)  # type: ignore[misc]
        await eyes.press("home", "slash", "down", "down")
        assert eyes.view.board.row == 2

    look_around(folder / "here", 4, scenario)


# --- comparing -----------------------------------------------------------------------------------


def test_the_run_under_the_cursor_is_compared_until_some_are_marked(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to("steeper")
        assert "here: rate 0.1 (there 0.2)" in eyes.detail
        await eyes.until(lambda: [end.letter for end in eyes.overlay.ends] == ["A", "B"])
        assert [end.letter for end in eyes.overlay.ends if end.bold] == ["B"]
        await eyes.go_to("fast-one")
        await eyes.press("space")
        await eyes.go_to("steeper")
        await eyes.press("space")
        letters = {path.name: letter for path, letter in eyes.view.board.letters.items()}
        assert letters == {"here": "A", "fast-one": "B", "steeper": "C"}
        await eyes.until(lambda: len(eyes.overlay.ends) == 3)
        chart = shown(eyes.view.query_one(OverlayChart))
        assert all(letter in chart for letter in "ABC")
        await eyes.press("u")
        await eyes.go_to("here")
        await eyes.until(lambda: [end.letter for end in eyes.overlay.ends] == ["A"])

    look_around(folder / "here", 4, scenario)


def test_settings_stand_side_by_side_those_that_differ_first(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        for name in ("steeper", "fast-one"):
            await eyes.go_to(name)
            await eyes.press("space")
        await eyes.press("tab")
        await eyes.until(lambda: len(eyes.settings) > 5)
        lines = [" ".join(line.split()) for line in eyes.settings]
        assert "A B C" in lines
        assert "run here steeper fast-one" in lines
        assert f"{DIFFERS} hidden size 16 16 20" in lines
        assert f"{DIFFERS} rate 0.1 0.2 0.01" in lines
        assert not any("clip" in line for line in lines)
        signs = [line.startswith(DIFFERS) for line in eyes.settings]
        await eyes.press("a")
        pane = eyes.view.query_one("#settings", RowsPane)
        assert pane.table is not None
        rows = [pane.table.row(at, 100) for at in range(pane.table.count(100))]
        texts = [" ".join("".join(text for text, _ in row.pieces).split()) for row in rows]
        assert "clip off off off" in texts
        assert sum(text.startswith(DIFFERS) for text in texts) == sum(signs)
        first = next(i for i, text in enumerate(texts) if text.startswith(DIFFERS))
        assert all(text.startswith(DIFFERS) for text in texts[first : first + sum(signs)])

    look_around(folder / "here", 4, scenario)


def test_the_curves_stand_on_steps_epochs_or_seconds_and_on_a_logarithmic_axis(
    folder: Path,
) -> None:
    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to("steeper")
        await eyes.until(lambda: len(eyes.overlay.ends) == 2)
        for unit in ("epochs", "seconds", "steps"):
            await eyes.press("v")
            assert eyes.overlay.view.axis.unit == unit
            assert len(eyes.overlay.ends) == 2
        await eyes.press("y")
        assert eyes.overlay.view.look.log_y
        assert "log y" in eyes.overlay.view.title

    look_around(folder / "here", 4, scenario)


def test_no_more_curves_are_marked_than_there_are_letters(here: Path, make_run: MakeRun) -> None:
    for number in range(6):
        lived(make_run(), f"other-{number}", 20)

    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to("here")
        await eyes.press("space")
        assert "it is compared with those you mark" in eyes.detail
        for number in range(5):
            await eyes.go_to(f"other-{number}")
            await eyes.press("space")
        await eyes.go_to("other-5")
        await eyes.press("space")
        assert "5 runs are marked" in eyes.detail
        assert list(eyes.view.board.letters.values()) == list(LETTERS)
        await eyes.until(lambda: len(eyes.overlay.ends) == len(LETTERS))

    look_around(here, 7, scenario)


def test_in_a_small_terminal_list_curves_and_settings_are_pages(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        def seen() -> list[str]:
            ids = ("list", "chart", "settings")
            return [id for id in ids if eyes.view.query_one(f"#{id}").region.height]

        assert seen() == ["list"]
        for page in ("chart", "settings", "list"):
            await eyes.press("tab")
            await eyes.until(lambda page=page: seen() == [page])  # type: ignore[misc]
        # Every key of the view fits.
        lines = [shown(line) for line in eyes.view.query("KeyLine")]
        assert lines[0].split()[-4:] == ["log", "y", "a", "all"]
        for words in ("Enter open", "d delete", "Q stop", "Esc back"):
            assert words in lines[1]

    look_around(folder / "here", 4, scenario, size=(80, 24))


# --- deeds ---------------------------------------------------------------------------------------


def test_a_run_is_forked_and_the_fork_is_opened_and_trained(folder: Path) -> None:
    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to("steeper")
        await eyes.press("x")
        await eyes.until(lambda: eyes.app.next_run is not None)

    found = look_around(folder / "here", 4, scenario).next_run
    assert found is not None
    assert found.begin
    assert isinstance(found.commands[0], Resume)
    parent = read_config(found.directory).parent
    assert parent is not None
    assert (parent.run, parent.step) == ("steeper", 200)


def test_a_crashed_run_is_not_forked_as_its_end_would_have_to_be_computed(
    here: Path, make_run: MakeRun
) -> None:
    run = reopened(make_run())
    train(run, 30)
    run.journal.record.flush()
    shutil.copytree(run.directory, here.with_name("crashed"))
    ended(run)

    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to("crashed")
        await eyes.press("x")
        assert "its end stands in no checkpoint" in eyes.detail
        assert eyes.app.screen is eyes.view

    look_around(here, 3, scenario)


def test_a_run_is_renamed_and_its_curve_and_its_forks_go_with_it(folder: Path) -> None:
    child = rename(fork(folder / "steeper", folder), "child")
    ended(reopened(child))

    async def scenario(eyes: Eyes) -> None:
        await eyes.until(lambda: len(eyes.training.companions) == 1)
        await eyes.go_to("steeper")
        await eyes.press("n")
        await eyes.open(AskRunName)
        for wrong, why in (("here", "something of that name"), ("a/b", "cannot be a run's name")):
            await eyes.type("Input", wrong)
            await eyes.press("enter")
            assert why in shown(eyes.app.screen.query_one("#error"))
        await eyes.type("Input", "the best")
        await eyes.press("enter")
        await eyes.until(lambda: "the best" in eyes.names)
        assert "run steeper is called the best now" in eyes.detail
        assert (folder / "the best" / "config.json").exists()
        await eyes.until(lambda: eyes.training.companions[0].run == "the best")
        assert eyes.view.board.run is not None
        assert eyes.view.board.run.run == "the best"

    look_around(child, 5, scenario)

    async def again(eyes: Eyes) -> None:
        await eyes.until(lambda: len(eyes.training.companions) == 1)
        assert eyes.training.companions[0].run == "the best"

    look_around(child, 5, again)


def test_a_run_is_deleted_after_a_question_and_its_curve_goes_with_it(folder: Path) -> None:
    child = rename(fork(folder / "steeper", folder), "child")
    ended(reopened(child))

    async def scenario(eyes: Eyes) -> None:
        await eyes.until(lambda: len(eyes.training.companions) == 1)
        await eyes.go_to("steeper")
        await eyes.press("d")
        await eyes.open(Delete)
        assert "step 200, dev" in shown(eyes.app.screen.query_one("#text"))
        await eyes.press("enter")
        await eyes.open(Runs)
        assert (folder / "steeper").exists()
        await eyes.press("d")
        await eyes.open(Delete)
        eyes.app.screen.query_one(OptionList).highlighted = 1
        await eyes.press("enter")
        await eyes.until(lambda: "steeper" not in eyes.names)
        assert not (folder / "steeper").exists()
        await eyes.until(lambda: eyes.training.companions == ())
        assert eyes.view.board.run is not None
        await eyes.go_to("broken \x1b[31m")
        await eyes.press("delete")
        await eyes.open(Delete)
        eyes.app.screen.query_one(OptionList).highlighted = 1
        await eyes.press("enter")
        await eyes.until(lambda: len(eyes.names) == 3)

    look_around(child, 5, scenario)


def test_the_run_on_the_screen_is_neither_renamed_nor_deleted_nor_stopped_here(
    folder: Path,
) -> None:
    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to("here")
        for key, why in (
            ("n", "it cannot be renamed while it is shown"),
            ("d", "it cannot be deleted while it is shown"),
            ("Q", "this is the run on the screen"),
            ("b", "this is the run on the screen"),
        ):
            await eyes.press(key)
            assert why in eyes.detail
        await eyes.press("enter")
        await eyes.until(lambda: eyes.app.screen is eyes.training)
        assert eyes.app.next_run is None

    look_around(folder / "here", 4, scenario)


def test_a_live_run_is_stopped_and_only_then_renamed_or_deleted(
    here: Path, make_run: MakeRun, start: Callable[[Path], Engine]
) -> None:
    directory = make_run(settings={"pace": 100})
    engine = start(directory)
    engine.ask(Resume())
    engine.until(StepsDone)

    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to(directory.name)
        assert any("training" in row for row in eyes.rows)
        # While it is looked at, it goes on.
        run = eyes.view.board.runs[directory]
        await eyes.until(lambda: eyes.view.board.runs[directory].step != run.step)
        for key in ("n", "d", "x"):
            await eyes.press(key)
            assert "an engine serves it; stop it first" in eyes.detail
        await eyes.press("Q")
        await eyes.until(lambda: "stopped and saved at step" in eyes.detail)
        assert not is_served(directory)
        assert eyes.view.board.runs[directory].state == "stopped"
        await eyes.press("Q")
        assert "no engine serves it" in eyes.detail
        await eyes.press("n")
        await eyes.open(AskRunName)

    look_around(here, 2, scenario)


def test_runs_come_and_go_while_the_list_is_looked_at(
    folder: Path,
    make_run: MakeRun,
    start: Callable[[Path], Engine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_reading, "LOOKS_EVERY", 0.3)

    async def comes_to(eyes: Eyes, directory: Path, state: str) -> None:
        await eyes.until(lambda: eyes.view.board.runs[directory].state == state)

    async def scenario(eyes: Eyes) -> None:
        await eyes.go_to("fast-one")
        await eyes.press("space")
        at = eyes.view.board.at
        assert at is not None
        new = make_run(settings={"pace": 100})
        await eyes.until(lambda: new.name in eyes.names)
        assert eyes.names[0] == new.name
        assert eyes.view.board.at == at
        # An engine may come to any of them, and go.
        for directory in (new, folder / "steeper"):
            start(directory).ask(Resume())
            await comes_to(eyes, directory, "training")
            await asyncio.to_thread(stop, directory)
            await comes_to(eyes, directory, "stopped")
        await eyes.until(lambda: (eyes.view.board.runs[folder / "steeper"].step or 0) > 200)
        shutil.rmtree(folder / "fast-one")
        await eyes.until(lambda: "fast-one" not in eyes.names)
        assert eyes.view.board.marked == ()
        assert len(eyes.names) == 4
        assert eyes.view.board.at is not None
        # The run on the screen stays in the list, whatever becomes of its folder.
        shutil.rmtree(folder / "here")
        new.rename(new.with_name("called-so"))
        await eyes.until(lambda: "called-so" in eyes.names and new.name not in eyes.names)
        assert "here" in eyes.names

    look_around(folder / "here", 4, scenario)


# --- what is read --------------------------------------------------------------------------------


def test_a_sparkline_costs_the_same_however_long_the_run_is(make_run: MakeRun) -> None:
    directory = make_run()
    journal = Journal(directory)
    journal.add(RunOpened, 0, config=read_config(directory))
    falling = np.linspace(4, 2, 1_000_000).astype("<f4")
    falling[500_000] = np.nan
    journal.add_losses(0, falling)
    journal.record.close()
    spark = read_spark(directory)
    assert len(spark) == POINTS
    assert list(spark) == sorted(spark, reverse=True)
    assert spark[-1] == pytest.approx(2.0, abs=1e-3)
    assert len(spark_text(spark, 8)) == 8
    assert spark_text(spark, 24)[-1] == "▁"


@pytest.mark.parametrize(
    ("spark", "text"),
    [((), ""), ((2.0,), "▁"), ((float("nan"),) * 3, ""), ((3.0, float("nan"), 2.0), "▇ ▁")],
)
def test_a_sparkline_of_little_is_drawn_too(spark: tuple[float, ...], text: str) -> None:
    assert spark_text(spark, 3) == text


def test_a_run_without_an_update_has_no_sparkline(make_run: MakeRun) -> None:
    run = reopened(make_run())
    assert read_spark(ended(run)) == ()


def shelf_of(config: RunConfig) -> Shelf:
    return Shelf(1_000, list_key(config))


def test_few_curves_stay_in_memory_and_what_is_seen_comes_first(here: Path) -> None:
    shelf = shelf_of(read_config(here))
    copies = [here.with_name(f"copy-{number}") for number in range(KEPT + 3)]
    for copy in copies:
        shutil.copytree(here, copy)
    for copy in copies:
        assert shelf.want([copy], [here])
        assert shelf.next_job() == ("curve", copy)
        shelf.put(shelf.read(("curve", copy)))
    assert list(shelf.entrants) == copies[-KEPT:]
    assert shelf.next_job() == ("spark", here)
    shelf.put(shelf.read(("spark", here)))
    assert not shelf.want([copies[-1]], [here])
    shelf.renew(here)
    assert shelf.want([copies[-1]], [here])


def test_an_epoch_of_another_list_is_measured_by_that_list(
    here: Path, make_run: MakeRun, names: Path
) -> None:
    shelf = shelf_of(read_config(here))
    names.write_text("\n".join(names.read_text("utf-8").split()[:100]), "utf-8")
    other = lived(make_run(), "other", 50)
    gone = lived(make_run(), "gone", 50)
    (gone / "words.txt").write_text("something\nelse\n")
    found = [shelf.read(("curve", path)).entrant for path in (here, other, gone)]
    counts = [None if each is None else each.train_examples for each in found]
    examples = load_data(other, read_config(other)).splits["train"].examples
    assert counts == [1_000, examples, None]
    entrants = [each for each in found if each is not None]
    in_steps = overlay(entrants, 80, USUAL, here, Overlay())
    in_epochs = overlay(entrants, 80, Look(unit="epochs"), here, Overlay())
    assert (len(in_steps.ends), len(in_epochs.ends)) == (3, 2)
    assert "no list, no epochs" in in_epochs.view.title


def test_a_run_that_cannot_be_read_says_why_where_its_curve_would_stand(make_run: MakeRun) -> None:
    directory = make_run()
    shelf = shelf_of(read_config(directory))
    shelf.put(shelf.read(("curve", directory)))
    assert "nothing is recorded of it yet" in shelf.reasons[directory]


def test_a_long_detail_is_cut_with_a_sign() -> None:
    text = "one two three " * 30
    lines = shortened(text, 40).splitlines()
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert max(map(len, lines)) <= 40
    assert shortened("short", 40) == "short"


def test_hundreds_of_runs_are_listed_while_the_screen_stays_usable(here: Path) -> None:
    for number in range(300):
        shutil.copytree(here, here.with_name(f"copy-{number:03}"))

    async def scenario(eyes: Eyes) -> None:
        # Only what can be seen was read.
        await eyes.until(lambda: not eyes.view.reading)
        assert 0 < len(eyes.view.shelf.sparks) < 60
        await eyes.press("end")
        last = eyes.view.board.shown[-1].directory
        await eyes.until(lambda: last in eyes.view.shelf.sparks)
        await eyes.filter("copy-12")
        assert len(eyes.names) == 10

    look_around(here, 301, scenario)
