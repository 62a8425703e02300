"""How many threads compute a run: chosen once, recorded; what a person says goes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import PRESETS, ModelConfig
from core.dials import ConfigError
from core.launch import words_path
from core.record import read_config
from core.threads import available_cores, fitting_threads, operations
from core.words import read_words
from tests.conftest import MakeRun, begun
from tui.restarting import Origin


@pytest.mark.parametrize("preset", ["lecture", "fast"])
def test_the_presets_are_computed_by_one_thread_however_many_cores_there_are(preset: str) -> None:
    assert begun(preset=preset).threads == 1
    knobs = PRESETS[preset].knobs  # type: ignore[index]
    assert fitting_threads(ModelConfig(), 27, knobs.batch_size, cores=64) == 1


def test_a_large_step_takes_more_threads_but_no_more_than_there_are_cores() -> None:
    large = ModelConfig(hidden_size=1024, block_size=8, embedding_size=24)
    chosen = [fitting_threads(large, 27, 128, cores) for cores in (1, 2, 3, 64)]
    assert chosen == [1, 2, 3, 4]
    assert fitting_threads(large, 27, 128) <= available_cores()


def test_operations_are_those_of_the_matrix_products() -> None:
    weights = 30 * 200 + 200 * 27
    assert operations(ModelConfig(), 27, 32) == 3 * 2 * 32 * weights


def test_the_number_is_recorded_with_who_chose_it(names: Path) -> None:
    chosen = begun(data=str(names), hidden_size="2048", batch_size="512")
    assert chosen.threads == fitting_threads(chosen.model, 27, 512)
    assert not chosen.threads_given
    given = begun(data=str(names), hidden_size="2048", batch_size="512", threads="1")
    assert (given.threads, given.threads_given) == (1, True)
    assert begun(data=str(names), threads="3").threads == 3


@pytest.mark.parametrize("wrong", ["0", "257", "many"])
def test_a_wrong_number_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=f"{wrong}.* must be a whole number from 1 to 256"):
        begun(threads=wrong)


@pytest.mark.parametrize(("given", "expected"), [(True, 3), (False, 1)])
def test_a_restart_keeps_a_number_that_a_person_gave(
    make_run: MakeRun, given: bool, expected: int
) -> None:
    directory = make_run(threads=3, threads_given=given)
    config = read_config(directory)
    origin = Origin(config, config.knobs, config.settings, words_path(directory, config))
    again = origin.begin(origin.texts, read_words(origin.words)).config
    assert (again.threads, again.threads_given) == (expected, given)
