"""Who may import whom, read from the sources and seen in real processes."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TORCH_FREE = {  # the front hall: what the dashboard may import
    "core",
    "core.answering",
    "core.cli",
    "core.client",
    "core.completing",
    "core.config",
    "core.counting",
    "core.dataset",
    "core.deleting",
    "core.dials",
    "core.differing",
    "core.draw_limits",
    "core.drawing",
    "core.errors",
    "core.fields",
    "core.filtering",
    "core.fit",
    "core.fit_report",
    "core.guard",
    "core.launch",
    "core.again_commands",
    "core.processes",
    "core.story",
    "core.tensorboard_command",
    "core.tensorboard_log",
    "core.stopping",
    "core.run_commands",
    "core.forking",
    "core.evaluate_command",
    "core.exporting",
    "core.finder_command",
    "core.fixed_batch",
    "core.foundations",
    "core.interpolated",
    "core.sentences",
    "core.text",
    "core.tokens",
    "core.units",
    "core.bigram",
    "core.catalogue",
    "core.lexicon",
    "core.lineage",
    "core.lr_finder",
    "core.coded",
    "core.coherence",
    "core.decoding",
    "core.dealing",
    "core.devices",
    "core.minibatch",
    "core.options",
    "core.places",
    "core.plateau",
    "core.plotting",
    "core.protocol",
    "core.record",
    "core.renaming",
    "core.sample_command",
    "core.schedule",
    "core.seal",
    "core.server",
    "core.smoothing",
    "core.stand_ins",
    "core.soundness",
    "core.steering",
    "core.sweep",
    "core.sweep_begin",
    "core.sweep_place",
    "core.sweep_ranges",
    "core.sweep_report",
    "core.sweep_run",
    "core.sweep_standing",
    "core.sweep_storage",
    "core.sweep_study",
    "core.sweep_trial",
    "core.sweep_worker",
    "core.sweep_workers",
    "core.suggesting",
    "core.threads",
    "core.words",
    "core.worker",
}
MATHEMATICS = {
    "core.continuing",
    "core.interpolated",
    "core.sentences",
    "core.text",
    "core.diagnostics",
    "core.evaluation",
    "core.gradient",
    "core.minibatch",
    "core.model",
    "core.odds",
    "core.on_device",
    "core.optimizer",
    "core.sampling",
    "core.scoring",
    "core.trainer",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(package: str) -> dict[str, Path]:
    return {module_name(path): path for path in (ROOT / package).rglob("*.py")}


@cache
def imports(path: Path, *, at_the_top: bool = False) -> set[str]:
    """Modules that a file imports: anywhere, or only as it is loaded itself."""
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    for node in tree.body if at_the_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            name = node.module or ""
            found |= {name} | {f"{name}.{alias.name}" for alias in node.names}
    return found


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", sorted(modules("core")))
def test_core_knows_neither_the_dashboard_nor_its_libraries(name: str) -> None:
    assert not packages(imports(modules("core")[name])) & {"tui", "textual", "plotext"}


@pytest.mark.parametrize("name", sorted(modules("tui")))
def test_the_dashboard_comes_in_by_the_front_hall_only(name: str) -> None:
    names = imports(modules("tui")[name])
    assert "torch" not in packages(names)
    known = set(modules("core"))
    assert {used for used in names if used in known} <= TORCH_FREE


def test_loading_the_front_hall_does_not_load_torch() -> None:
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name"
    )
    command = [sys.executable, "-c", script, *sorted(TORCH_FREE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["runs"], ["sweep", "--help"]])
def test_what_only_tells_loads_no_large_library(arguments: list[str], tmp_path: Path) -> None:
    script = (
        "import sys; from tui.__main__ import main\n"
        "try: main()\n"
        "finally:\n"
        "    large = {'torch', 'textual', 'optuna', 'sqlalchemy'} & sys.modules.keys()\n"
        "    assert not large, large"
    )
    command = [sys.executable, "-c", script, *arguments]
    environment = os.environ | {"STEERMORE_RUNS": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("name", sorted(MATHEMATICS))
def test_the_mathematics_knows_no_files_sockets_or_clocks(name: str) -> None:
    names = imports(modules("core")[name])
    outside = {"os", "io", "pathlib", "socket", "time", "subprocess", "threading", "selectors"}
    assert not packages(names) & outside
    assert not {f"core.{part}" for part in ("record", "journal", "run", "service")} & names


def test_plotext_has_one_room() -> None:
    users = {name for name, path in modules("tui").items() if "plotext" in packages(imports(path))}
    assert users == {"tui.widgets.chart"}


def test_widgets_know_no_screen_and_screens_no_app_and_only_the_app_holds_an_engine() -> None:
    for name, path in modules("tui").items():
        names = imports(path)
        if name.startswith("tui.widgets"):
            assert not {used for used in names if used.startswith(("tui.screens", "tui.app"))}
        if name.startswith(("tui.widgets", "tui.screens")):
            assert not {used for used in names if used.startswith("tui.app")}
            assert not {"core.client", "core.launch"} & names


@pytest.mark.parametrize("package", ["core", "tui"])
def test_nothing_unpickles(package: str) -> None:
    for path in modules(package).values():
        assert not packages(imports(path)) & {"pickle", "shelve", "marshal", "dill"}


def test_every_file_says_what_it_is_for() -> None:
    for package in ("core", "tui"):
        for name, path in modules(package).items():
            tree = ast.parse(path.read_text("utf-8"))
            assert not tree.body or ast.get_docstring(tree), f"{name} has no docstring"
