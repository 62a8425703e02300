"""Files of a run cut, altered and swapped: told with a sentence, or the right outcome all the same.

Torn last lines and columns stand in test_time_travel.py, runs that are listed as unreadable in
test_runs.py. Here every file is damaged anywhere, from a seed; STEERMORE_FUZZ multiplies the tries.
"""

from __future__ import annotations

import io
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from core.catalogue import announced_pid, look
from core.client import Client, Endpoint, read_run
from core.commands import obey
from core.config import PRESETS, DataConfig, ModelConfig, RunConfig
from core.drawing import draw_names, parse_wish
from core.exporting import write_csv, write_json, write_samples
from core.forking import fork
from core.launch import new_run
from core.options import shipped_names
from core.protocol import (
    Evaluate,
    KnobsChanged,
    Sample,
    SetKnobs,
    SetSetting,
    Shutdown,
    Step,
    TakeSnapshot,
    Undo,
)
from core.record import read_config, read_events
from core.run import Run
from core.seal import state_sha256
from core.story import read_story
from core.words import read_words
from tests.sentences import FUZZ, is_sentence, outcome
from tests.test_time_travel import replayed

DEEDS: tuple[Any, ...] = (
    Step(count=20),
    SetKnobs(values={"learning_rate": 0.2}),
    Step(count=10),
    Sample(count=2),
    TakeSnapshot(name="named"),
    Undo(),
    Step(count=10),
    Evaluate(),
    SetSetting(name="pace", value=10),
    SetKnobs(values={"drops": (3, 5)}),
    Step(count=4),
    Shutdown(),
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 34 updates with two branches, two checkpoints, and a line of nearly every kind."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("sound")
    names = folder / "names.txt"
    names.write_text("\n".join(shipped_names().read_text("utf-8").splitlines()[::600]) + "\n")
    words, preset = read_words(names), PRESETS["lecture"]
    config = RunConfig(
        created=1.8e9,
        version="test",
        preset="lecture",
        data=DataConfig(path=str(names), sha256=words.sha256),
        model=ModelConfig(embedding_size=2, hidden_size=4),
        knobs=preset.knobs,
        settings=preset.settings,
    )
    directory = new_run(folder, config, words.raw)
    run = Run(directory)
    for deed in DEEDS:
        obey(run, deed)
        while run.errand is not None or run.single_steps:
            run.work()
    run.close()
    return directory


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Callable[[], Path]:
    """A function that makes a fresh copy of the sound run, always in the same place."""

    def make() -> Path:
        directory = tmp_path / "runs" / sound.name
        shutil.rmtree(directory.parent, ignore_errors=True)
        shutil.copytree(sound, directory)
        return directory

    return make


# --- what is done with a run ---------------------------------------------------------------------


def export(directory: Path) -> int:
    story = read_story(directory)
    for write in (write_csv, write_samples):
        write(story, io.StringIO())
    write_json(story, io.BytesIO())
    return story.step


def resumed(directory: Path) -> str:
    """Open the run, make two updates, and end it; the digest of the state that was opened."""
    run = Run(directory)
    try:
        while run.errand is not None:
            run.work()
        state = run.trainer.state_sha256()
        obey(run, Step(count=2))
        while run.errand is not None or run.single_steps:
            run.work()
        obey(run, Shutdown())
    finally:
        run.close()
    return state


def forked(directory: Path) -> str | None:
    child = fork(directory, directory.parent / "forks")
    start = (child / "start.safetensors").read_bytes()
    Run(child).close()
    shutil.rmtree(child)
    return state_sha256(start)


def sampled(directory: Path) -> list[str]:
    wish = parse_wish(count="3", temperature="1", top_k="0", seed="1", prefix="", max_length="20")
    return [name for piece in draw_names(directory, wish).pieces for name in piece]


USES: dict[str, Callable[[Path], object]] = {
    "runs": look,
    "attach": read_run,
    "export": export,
    "sample": sampled,
    "fork": forked,
    "replay": replayed,
    # Last: it goes on writing.
    "resume": resumed,
}


def used(directory: Path) -> dict[str, tuple[object, str]]:
    """What came of every use; a sentence that is none fails the test, as does any other error."""
    came = {name: outcome(lambda use=use: use(directory)) for name, use in USES.items()}  # type: ignore[misc]
    for _, refusal in came.values():
        assert not refusal or is_sentence(refusal)
    return came


# --- damage anywhere -----------------------------------------------------------------------------

NUMBERS = [b"0", b"-1", b"4", b"65536", b"1000000000", b"123456789012345", b"9" * 40, b"9" * 5_000]
NUMBERS += [b"1e400", b"0.5", b"null", b'"x"', b"[]", b"true", b'"\\u001b[2J"']


def damages(whole: bytes, text: bool, dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Versions of a file, one of each kind of damage."""
    at = dice.randrange(len(whole))
    yield f"cut at {at}", whole[:at]
    yield f"bit of {at}", whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :]
    yield f"byte {at}", whole[:at] + bytes([dice.randrange(256)]) + whole[at + 1 :]
    yield f"zeros at {at}", whole[:at] + bytes(len(whole[at : at + 64])) + whole[at + 64 :]
    end = dice.randrange(at, len(whole))
    yield f"without {at}:{end}", whole[:at] + whole[end:]
    if text:
        spot = dice.choice(list(re.finditer(rb"-?\d+(\.\d+)?", whole)))
        number = dice.choice(NUMBERS)
        yield (
            f"{number[:20]!r} at {spot.start()}",
            (whole[: spot.start()] + number + whole[spot.end() :]),
        )


FILES = ["config.json", "events.jsonl", "loss-0.f32", "loss-1.f32", "words.txt", "checkpoints"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_damaged_anywhere_is_told_or_made_good(
    name: str, sound: Path, copy: Callable[[], Path]
) -> None:
    dice = random.Random(name)
    state = resumed(copy())
    for _ in range(FUZZ * (8 if name in ("events.jsonl", "config.json") else 3)):
        files = sorted(sound.glob("checkpoints/*")) if name == "checkpoints" else [sound / name]
        path = dice.choice(files).relative_to(sound)
        text = path.suffix in (".json", ".jsonl")
        for what, damaged in damages((sound / path).read_bytes(), text, dice):
            directory = copy()
            (directory / path).write_bytes(damaged)
            came = used(directory)
            if name == "checkpoints":
                # The other one, or the seed, leads to the same state.
                assert came["resume"] == came["fork"] == (state, ""), what
                assert came["replay"][1] == "", what
            if name == "words.txt" and damaged != (sound / path).read_bytes():
                assert came["resume"][1], what


def test_a_configuration_cut_at_any_length_is_refused(copy: Callable[[], Path]) -> None:
    directory = copy()
    whole = (directory / "config.json").read_bytes()
    for length in range(len(whole) - 1):
        (directory / "config.json").write_bytes(whole[:length])
        assert is_sentence(outcome(lambda: read_config(directory))[1])


def test_a_record_cut_at_any_length_holds_its_whole_lines(copy: Callable[[], Path]) -> None:
    directory = copy()
    whole = (directory / "events.jsonl").read_bytes()
    for length in range(0, len(whole), 1 if FUZZ > 1 else 17):
        (directory / "events.jsonl").write_bytes(whole[:length])
        assert len(read_events(directory)) == whole[:length].count(b"\n")
        assert look(directory).state in ("empty", "crashed")


def test_where_the_engine_listens_can_be_damaged_at_any_byte(copy: Callable[[], Path]) -> None:
    directory = copy()
    path = directory / "engine.json"
    whole = msgspec.json.encode(Endpoint(socket="/nowhere/engine", key="0" * 64, pid=2**22 + 1))
    changed = [whole[:at] + bytes([byte]) + whole[at + 1 :] for at in range(len(whole))
               for byte in (0, 34, 57, 255)]  # fmt: skip
    for data in (*changed, *(whole[:at] for at in range(len(whole))), b"[" * 100_000, b"{}"):
        path.write_bytes(data)
        pid = announced_pid(directory)
        assert pid is None or isinstance(pid, int)
        assert Client(directory, "tester")._connect() is None
    for socket in ("\\u0000x", "a\\u0000b", "x" * 500, "", str(directory)):
        path.write_text(f'{{"socket": "{socket}", "key": "k", "pid": 1}}')
        assert Client(directory, "tester")._connect() is None
    assert look(directory).state == "stopped"


# --- lines that are sound and tell no story ------------------------------------------------------


def rewritten(directory: Path, change: Callable[[list[bytes]], list[bytes]]) -> Path:
    path = directory / "events.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    return directory


def test_lines_lost_repeated_or_swapped_are_refused_by_everybody(
    copy: Callable[[], Path], sound: Path
) -> None:
    count = len(read_events(sound))
    changes: list[Callable[[list[bytes]], list[bytes]]] = [lambda lines: lines[1:]]
    for at in range(0, count - 1, 1 if FUZZ > 1 else 3):
        changes += [
            lambda lines, at=at: lines[:at] + lines[at + 1 :],  # type: ignore[misc]
            lambda lines, at=at: [*lines[:at], lines[at], *lines[at:]],  # type: ignore[misc]
            lambda lines, at=at: [*lines[:at], lines[-1], *lines[at + 1 : -1], lines[at]],  # type: ignore[misc]
        ]
    for change in changes:
        came = used(rewritten(copy(), change))
        assert getattr(came.pop("runs")[0], "state", "") == "unreadable"
        assert all("events.jsonl" in refusal for _, refusal in came.values()), came


FORGED: dict[str, tuple[str, str, str]] = {
    "another beginning": ("RunOpened", '"seed":2147483647', '"seed":7'),
    "a step beyond every limit": ("Evaluated", '"step":30', '"step":200001'),
    "an act in the future": ("KnobsChanged", '"step":30', '"step":31'),
    "a way back to nowhere": ("RolledBack", '"to":[0,20]', '"to":[0,21]'),
    "a way back to no act": ("RolledBack", '"to":[0,20]', '"to":[1,20]'),
    "a branch left out": ("RolledBack", '"branch":1', '"branch":2'),
    "an act of another branch": ("KnobsChanged", '"branch":0', '"branch":1'),
    "a rate that is none": ("KnobsChanged", "[0.1,0.2]", "[0.1,-1]"),
    "a knob that is none": ("KnobsChanged", "learning_rate", "learning_gate"),
    "a setting that is a knob": ("SettingChanged", '"pace"', '"warmup"'),
    "a setting beyond its range": ("SettingChanged", '"new":10', '"new":-10'),
    "a checkpoint elsewhere": ("SnapshotTaken", '"file":"', '"file":"../../'),
    "a checkpoint at the root": ("SnapshotTaken", '"file":"', '"file":"/etc/'),
    "a screen cleared": ("SamplesDrawn", '"names":["', '"names":["\\u001b[2J'),
    "a clipboard written": ("SamplesDrawn", '"names":["', '"names":["\\u009d52;c;AAAA'),
    "a client with an escape": ("EngineStopped", '"client":"', '"client":"\\u001b[2J'),
    "a reason with an escape": ("EngineStopped", '"reason":"', '"reason":"\\u001b[2J'),
    "a name with an escape": ("SnapshotTaken", '"name":"named', '"name":"\\u001b[2J'),
}


@pytest.mark.parametrize(("kind", "old", "new"), FORGED.values(), ids=FORGED)
def test_what_no_engine_can_have_written_is_refused(
    kind: str, old: str, new: str, copy: Callable[[], Path]
) -> None:
    directory = copy()
    lines = (directory / "events.jsonl").read_text().splitlines(keepends=True)
    at = next(
        at for at, line in enumerate(lines) if line.startswith(f'{{"type":"{kind}"') and old in line
    )
    lines[at] = lines[at].replace(old, new, 1)
    (directory / "events.jsonl").write_text("".join(lines))
    came = used(directory)
    for name in ("attach", "export", "fork", "replay", "resume"):
        assert "events.jsonl" in came[name][1], name
    assert look(directory).state == "unreadable"


def test_a_record_cannot_have_a_file_elsewhere_deleted_or_copied(
    copy: Callable[[], Path], tmp_path: Path
) -> None:
    directory = copy()
    secret = tmp_path / "secret.safetensors"
    secret.write_text("precious")
    path = directory / "events.jsonl"
    forged = re.sub(r'"file":"[^"]*"', '"file":"../../../secret.safetensors"', path.read_text())
    path.write_text(forged)
    came = used(directory)
    assert came["fork"][1]
    assert came["resume"][1]
    assert secret.read_text() == "precious"


def test_numbers_out_of_every_range_in_a_configuration_are_refused(
    copy: Callable[[], Path],
) -> None:
    directory = copy()
    path = directory / "config.json"
    whole = path.read_text()
    fields = ["threads", "seed", "split_seed", "created", "test_looks", "batch_size", "block_size"]
    for field in fields:
        for number in ("-1", "1e300", "9" * 30, "null", "1" * 5_000):
            path.write_text(re.sub(rf'"{field}": [-\d.e]+', f'"{field}": {number}', whole))
            refusal = outcome(lambda: read_config(directory))[1]
            assert "config.json is damaged" in refusal, (field, number)
            assert is_sentence(refusal)


@pytest.mark.parametrize(
    "content",
    [b'{"a":' + b"[" * 100_000, b'{"format": 1, "version": "\xff"}', b"\0" * 50],
    ids=["nested without end", "no UTF-8", "zeros"],
)
@pytest.mark.parametrize("name", ["config.json", "events.jsonl"])
def test_what_is_no_json_is_told_with_a_sentence(
    name: str, content: bytes, copy: Callable[[], Path]
) -> None:
    directory = copy()
    (directory / name).write_bytes(content + b"\n")
    for _, refusal in (outcome(lambda: read_run(directory)), outcome(lambda: export(directory))):
        assert f"run {directory.name}: {name}" in refusal
        assert is_sentence(refusal)
    assert look(directory).state == "unreadable"


# --- files that are none of the run's own --------------------------------------------------------

LINKED = ["config.json", "events.jsonl", "loss-1.f32", "words.txt", "engine.log", "checkpoints"]


@pytest.mark.parametrize("name", LINKED)
def test_a_link_in_a_run_is_followed_by_nobody(
    name: str, copy: Callable[[], Path], tmp_path: Path
) -> None:
    directory = copy()
    elsewhere = tmp_path / "elsewhere"
    if (directory / name).exists():
        (directory / name).rename(elsewhere)
    else:
        elsewhere.write_text("precious")
    before = elsewhere.read_bytes() if elsewhere.is_file() else sorted(elsewhere.iterdir())
    (directory / name).symlink_to(elsewhere)
    came = used(directory)
    assert all(f"{name} is a link" in came[use][1] for use in USES if use != "runs")
    assert look(directory).state == "unreadable"
    after = elsewhere.read_bytes() if elsewhere.is_file() else sorted(elsewhere.iterdir())
    assert after == before


def test_a_run_that_is_reached_by_a_link_is_like_any_other(
    copy: Callable[[], Path], tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(copy())
    assert look(link).state == "stopped"
    assert replayed(link).identical


@pytest.mark.parametrize("name", ["config.json", "events.jsonl", "words.txt", "engine.json"])
def test_a_fifo_in_a_run_makes_nobody_wait(name: str, copy: Callable[[], Path]) -> None:
    directory = copy()
    (directory / name).unlink(missing_ok=True)
    os.mkfifo(directory / name)
    came = used(directory)
    assert look(directory).state == "unreadable"
    assert all(f"{name} is a link or a device" in came[use][1] for use in USES if use != "runs")


# --- checkpoints ---------------------------------------------------------------------------------


def test_names_are_the_same_whatever_became_of_the_checkpoints(copy: Callable[[], Path]) -> None:
    directory = copy()
    old, new = sorted((directory / "checkpoints").iterdir(), key=lambda path: path.name)
    names = sampled(directory)
    damaged = bytearray(new.read_bytes())
    damaged[-40] ^= 1
    new.write_bytes(damaged)
    assert sampled(directory) == names
    new.unlink()
    assert sampled(directory) == names
    old.write_bytes(b"")
    assert sampled(directory) == names


def test_the_seal_of_a_checkpoint_is_the_digest_of_its_state(sound: Path) -> None:
    for event in read_events(sound):
        if type(event).__name__ == "SnapshotTaken":
            packed = (sound / "checkpoints" / event.file).read_bytes()  # type: ignore[union-attr]
            assert state_sha256(packed) == event.state_sha256  # type: ignore[union-attr]
            assert state_sha256(packed[:-1]) is None
            assert state_sha256(packed[:-4] + b"\0\1\2\3") != event.state_sha256  # type: ignore[union-attr]


def test_a_state_of_another_place_is_not_believed_though_it_is_sound(
    copy: Callable[[], Path],
) -> None:
    directory = copy()
    state = resumed(copy())
    directory = copy()
    old, new = sorted((directory / "checkpoints").iterdir(), key=lambda path: path.name)
    new.write_bytes(old.read_bytes())
    assert forked(directory) == state
    assert resumed(directory) == state


def test_a_fork_begins_from_no_other_list(copy: Callable[[], Path]) -> None:
    directory = copy()
    with (directory / "words.txt").open("a") as file:
        file.write("emma\n")
    with pytest.raises(ValueError, match="is not the list that run"):
        fork(directory, directory.parent / "forks")
    assert not (directory.parent / "forks").exists()


def test_the_sound_run_is_replayed_bit_for_bit(sound: Path) -> None:
    assert replayed(sound).identical
    assert any(isinstance(event, KnobsChanged) for event in read_events(sound))
