from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.journal import Journal
from core.protocol import Clock, KnobsChanged, Point, decode_line, encode_line
from core.record import (
    RunError,
    find_run,
    is_served,
    read_column,
    read_config,
    read_events,
    write_whole,
)
from core.recording import RecordWriter
from tests.conftest import MakeRun


def test_what_is_written_can_be_read(make_run: MakeRun) -> None:
    directory = make_run()
    journal = Journal(directory)
    losses = np.array([3.3, np.nan, np.inf, 2.5], dtype="<f4")
    journal.add_losses(0, losses)
    act = journal.add(KnobsChanged, 4, changes={"learning_rate": (0.1, 0.2), "drops": ((), (9,))})
    journal.add(Clock, 4, seconds=0.5)
    assert [event.seq for event in read_events(directory)] == [0, 1]
    assert read_events(directory)[0] == act
    assert read_column(directory, 0).tobytes() == losses.tobytes()
    journal.record.close()


def test_losses_before_an_act_are_on_disk_when_the_act_is(make_run: MakeRun) -> None:
    directory = make_run()
    journal = Journal(directory)
    journal.add_losses(0, np.ones(7, "<f4"))
    assert len(read_column(directory, 0)) < 7
    journal.add(KnobsChanged, 7, changes={"learning_rate": (0.1, 0.2)})
    assert len(read_column(directory, 0)) == 7
    journal.record.close()


def test_an_act_knows_the_point_before_it(make_run: MakeRun) -> None:
    journal = Journal(make_run())
    journal.add(Clock, 3, seconds=0.1)
    first = journal.add(KnobsChanged, 5, changes={"learning_rate": (0.1, 0.2)})
    journal.add(Clock, 6, seconds=0.2)
    second = journal.add(KnobsChanged, 9, changes={"learning_rate": (0.2, 0.5)})
    assert [first.before, second.before] == [Point(-1, 5), Point(1, 9)]
    journal.record.close()


def test_a_torn_last_line_is_left_out(make_run: MakeRun) -> None:
    directory = make_run()
    journal = Journal(directory)
    journal.add(Clock, 1, seconds=0.1)
    journal.add(Clock, 2, seconds=0.2)
    journal.record.close()
    path = directory / "events.jsonl"
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for end in range(second, len(whole)):
        path.write_bytes(whole[:end])
        assert [event.step for event in read_events(directory)] == [1]


def test_a_damaged_line_is_named(make_run: MakeRun) -> None:
    directory = make_run()
    (directory / "events.jsonl").write_bytes(b'{"type":"Nonsense"}\n')
    with pytest.raises(RunError, match=r"events\.jsonl, line 1 is damaged"):
        read_events(directory)


def test_a_line_says_all_and_nothing_unknown() -> None:
    clock = Clock(seq=1, branch=0, step=5, time=1.0, seconds=0.25)
    assert decode_line(encode_line(clock)) == clock
    with pytest.raises(ValueError):
        decode_line(encode_line(clock).replace(b'"seconds"', b'"second"'))


def test_a_run_has_one_writer(make_run: MakeRun) -> None:
    directory = make_run()
    assert not is_served(directory)
    writer = RecordWriter(directory)
    assert is_served(directory)
    with pytest.raises(RunError, match="another engine"):
        RecordWriter(directory)
    writer.close()
    assert not is_served(directory)


def test_a_run_of_another_format_is_refused_by_its_number(make_run: MakeRun) -> None:
    path = make_run() / "config.json"
    path.write_text('{"format": 99, "something": "new"}')
    with pytest.raises(RunError, match="its format is 99"):
        read_config(path.parent)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"format": 1}'])
def test_a_damaged_configuration_is_refused_with_a_sentence(
    make_run: MakeRun, content: bytes
) -> None:
    directory = make_run()
    (directory / "config.json").write_bytes(content)
    with pytest.raises(RunError, match=directory.name):
        read_config(directory)


def test_a_run_is_found_by_id_beginning_path_and_last(make_run: MakeRun, tmp_path: Path) -> None:
    first, second = make_run(), make_run()
    runs = tmp_path / "runs"
    assert find_run(runs, second.name) == second
    assert find_run(runs, str(first)) == first
    assert find_run(runs, "last") == second
    assert find_run(runs, second.name[:-1] + "2") == second
    for name, why in (("20", "more than one"), ("zzz", "no run of that name"), (".", "not a run")):
        with pytest.raises(RunError, match=why):
            find_run(runs, name)
    with pytest.raises(RunError, match="no run here yet"):
        find_run(tmp_path / "elsewhere", "last")


def test_a_file_is_replaced_whole_and_privately(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_whole(path, b"one", mode=0o600)
    write_whole(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
