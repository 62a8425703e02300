"""Updates elsewhere than on the processor: the same numbers, the same promises.

What a GPU is asked to do is done here by the processor too, in the same rows, so that all but the
recording of a graph is tested everywhere; what needs a GPU is skipped where there is none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError, FakeTensorMode

from core.config import GPUS, Device, Knobs, ModelConfig
from core.evaluation import measure
from core.lr_finder import range_test
from core.model import Model
from core.on_device import OnDevice, differentiate, missing, products, sorted_sums
from core.optimizer import Terms
from core.protocol import EngineStarted
from core.record import column_path, read_config, read_events
from core.trainer import Trainer
from tests import quick_engines
from tests.conftest import MakeRun, begun
from tests.test_cli import fit, reported, steermore, within
from tests.test_gradient import by_autograd, drawn
from tests.test_trainer import DATA, RECIPES, SMALL, changed, make

PLACES = ["rows", *(device for device in GPUS if not missing(device))]
"""`rows`: the processor, but as a GPU does it."""
DIRECT = msgspec.structs.replace(SMALL, direct=True, decay_biases=False)
MORE = RECIPES | {
    "plain AdamW": {"optimizer": "adamw", "learning_rate": 0.01},
    "clipped SGD": {"clip": 0.3, "momentum": 0.5},
}


def away(place: str, config: ModelConfig = SMALL, **knobs: Any) -> Trainer:
    """A trainer whose updates are made there."""
    if place != "rows":
        return Trainer(DATA, config, Knobs(**knobs), 1, place)  # type: ignore[arg-type]
    trainer = make(config, **knobs)
    trainer._place = OnDevice(trainer.model, "cpu")
    return trainer


@settings(deadline=None, max_examples=40)
@given(
    T=st.integers(1, 6),
    E=st.integers(1, 12),
    H=st.integers(1, 40),
    V=st.integers(2, 50),
    B=st.integers(1, 50),
    seed=st.integers(0, 1000),
    direct=st.booleans(),
)
def test_its_gradient_equals_that_of_autograd_for_every_shape(
    T: int, E: int, H: int, V: int, B: int, seed: int, direct: bool
) -> None:
    model, examples = drawn(T=T, E=E, H=H, V=V, B=B, seed=seed, direct=direct)
    gradient = torch.full_like(model.flat, torch.nan)
    loss = differentiate(model, model.views(gradient), model.layers(gradient).W, examples)
    expected = by_autograd(model, examples)
    torch.testing.assert_close((loss, gradient), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("config", [SMALL, DIRECT], ids=["plain", "direct"])
@pytest.mark.parametrize("recipe", MORE)
def test_losses_and_weights_are_those_of_the_processor(
    recipe: str, config: ModelConfig, place: str
) -> None:
    there, here = away(place, config, **MORE[recipe]), make(config, **MORE[recipe])
    np.testing.assert_allclose(there.advance(150), here.advance(150), rtol=2e-4)
    torch.testing.assert_close(there.model.flat, here.model.flat, rtol=1e-3, atol=1e-4)
    for name, tensor in here.optimizer.tensors.items():
        torch.testing.assert_close(there.optimizer.tensors[name], tensor, rtol=1e-3, atol=1e-4)
    assert (there.step, there.optimizer.updates) == (here.step, here.optimizer.updates)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("recipe", MORE)
def test_bits_depend_neither_on_how_updates_are_cut_nor_on_who_looks(
    recipe: str, place: str
) -> None:
    whole, cut = away(place, **MORE[recipe]), away(place, **MORE[recipe])
    losses = whole.advance(150)
    pieces = []
    for updates in (1, 63, 2, 65, 0, 19):
        pieces.append(cut.advance(updates))
        cut.model.forward(torch.zeros((1, 3), dtype=torch.int64))
        cut.snapshot()
    assert np.concatenate(pieces).tobytes() == losses.tobytes()
    assert cut.state_sha256() == whole.state_sha256()


@pytest.mark.parametrize("place", PLACES)
def test_undo_and_redo_are_exact_there_too(place: str) -> None:
    trainer = away(place, momentum=0.9)
    trainer.advance(70)
    before = trainer.snapshot()
    trainer.set_knobs(changed(trainer, optimizer="adamw", learning_rate=0.01, batch_size=8))
    losses = trainer.advance(40)
    after = trainer.state_sha256()
    trainer.restore(before)
    trainer.advance(5)
    trainer.restore(before)
    trainer.set_knobs(changed(trainer, optimizer="adamw", learning_rate=0.01, batch_size=8))
    assert trainer.advance(40).tobytes() == losses.tobytes()
    assert trainer.state_sha256() == after


@pytest.mark.parametrize("place", PLACES)
def test_a_copy_and_a_range_test_leave_it_as_it_is(place: str) -> None:
    trainer = away(place, momentum=0.5)
    trainer.advance(30)
    twin, state = trainer.copy(), trainer.state_sha256()
    assert len(np.concatenate(list(range_test(trainer, 1e-3, 0.1, 50)))) == 50
    assert trainer.state_sha256() == state
    assert twin.advance(30).tobytes() == trainer.advance(30).tobytes()
    assert twin.state_sha256() == trainer.state_sha256()


@pytest.mark.parametrize("place", PLACES)
def test_a_range_test_between_two_updates_leaves_no_trace_in_the_second(place: str) -> None:
    """The copy prepares updates of its own, and goes; those of the run must stand."""
    looked, alone = away(place), away(place)
    for trainer in (looked, alone):
        trainer.advance(20)
        trainer.set_knobs(changed(trainer, batch_size=8, clip=0.5, momentum=0.9))
        trainer.advance(20)
        if trainer is looked:
            for _ in range(2):
                list(range_test(trainer, 1e-3, 0.1, 30))
                trainer.set_knobs(changed(trainer, clip=0.7))
                trainer.set_knobs(changed(trainer, clip=0.5))
        trainer.advance(70)
    assert looked.state_sha256() == alone.state_sha256()


@pytest.mark.parametrize("place", PLACES)
def test_what_fails_before_an_update_has_changed_nothing(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, alone = away(place, momentum=0.5), away(place, momentum=0.5)
    for each in (trainer, alone):
        each.advance(20)
    there = trainer._place
    assert there is not None

    def no_memory(batch_size: int, kind: str, terms: Terms) -> None:
        with there._unmoved():
            prepare(8, kind, terms)
            there._step(kind, terms)
            raise RuntimeError("CUDA out of memory")

    with monkeypatch.context() as patch:
        prepare = there._prepare
        patch.setattr(there, "_prepare", no_memory)
        trainer.set_knobs(changed(trainer, clip=0.5))
        with pytest.raises(RuntimeError):
            trainer.advance(1)
    alone.set_knobs(changed(alone, clip=0.5))
    assert trainer.advance(30).tobytes() == alone.advance(30).tobytes()
    assert trainer.state_sha256() == alone.state_sha256()


@settings(deadline=None, max_examples=60)
@given(
    B=st.integers(1, 40),
    T=st.integers(1, 4),
    E=st.integers(1, 5),
    V=st.integers(1, 9),
    most=st.integers(1, 400),
)
def test_sums_by_products_are_those_by_sorting(B: int, T: int, E: int, V: int, most: int) -> None:
    generator = torch.Generator().manual_seed(B)
    demb = torch.randn((B, T * E), generator=generator, dtype=torch.float64)
    contexts = torch.randint(V, (B, T), generator=generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.on_device._MOST_BYTES", most)
        ours = products(demb, contexts, V)
    torch.testing.assert_close(ours, sorted_sums(demb, contexts, V), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_changed_here_counts_there(place: str) -> None:
    trainer = away(place)
    trainer.advance(10)
    with torch.no_grad():
        trainer.model.flat.zero_()
    assert trainer.advance(1)[0] == pytest.approx(np.log(DATA.vocab_size), rel=1e-5)


@pytest.mark.parametrize("place", PLACES)
def test_losses_of_a_split_are_measured_there(place: str) -> None:
    trainer = away(place)
    trainer.advance(50)
    dev = DATA.splits["dev"]

    def measured(model: Model) -> float:
        work = measure(model, dev)
        while True:
            try:
                next(work)
            except StopIteration as end:
                return float(end.value)

    assert trainer.measured is not trainer.model
    assert measured(trainer.measured) == pytest.approx(measured(trainer.model), rel=1e-5)
    # Looking at the one here did not make the one there old.
    trainer.advance(1)
    assert measured(trainer.measured) == pytest.approx(measured(trainer.model), rel=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("config", [SMALL, DIRECT], ids=["plain", "direct"])
def test_an_update_reads_and_writes_nothing_that_is_not_there(
    config: ModelConfig, optimizer: str
) -> None:
    """On a device that only says where its operands lie, and refuses those that lie elsewhere."""
    knobs = Knobs(
        optimizer=optimizer,  # type: ignore[arg-type]
        momentum=0.5,
        weight_decay=0.1,
        clip=1.0,
    )
    with FakeTensorMode():
        model = Model(config, DATA.vocab_size)
        place = OnDevice(model, "meta")
        for name in ("momentum", "exp_avg", "exp_avg_sq"):
            place._momentum(name)
        terms = make(config).optimizer.terms(knobs)
        place._prepare(8, optimizer, terms)
        place._step(optimizer, terms)
        assert {place.model.flat.device, place._losses.device} == {torch.device("meta")}
        place._at = torch.zeros(1, dtype=torch.int64)
        with pytest.raises(FakeTensorDeviceMismatchError):
            place._step(optimizer, terms)


# --- as people call it ---------------------------------------------------------------------------

NO_GPU = [device for device in GPUS if missing(device)]
without = pytest.mark.skipif(not NO_GPU, reason="this machine has every device")


@without
def test_a_device_that_is_not_to_be_had_is_refused_before_a_run_is_made(
    names: Path, tmp_path: Path
) -> None:
    done = within("fit", "--data", names, "--device", NO_GPU[0], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"steermore: device {NO_GPU[0]} is not to be had: {missing(NO_GPU[0])}; give cpu or auto\n"
    )
    assert not (tmp_path / "runs").exists()


def test_auto_is_the_processor_where_there_is_no_gpu(names: Path) -> None:
    config = begun(data=str(names), device="auto")
    there: Device = next((d for d in ("cuda", "mps") if not missing(d)), "cpu")
    assert config.device == there


def moved(run: Path, device: str) -> Path:
    """The run, as if it had been trained on that device of another machine."""
    for name, space in (("config.json", " "), ("events.jsonl", "")):
        file = run / name
        text = file.read_text()
        assert f'"device":{space}"cpu"' in text
        file.write_text(text.replace(f'"device":{space}"cpu"', f'"device":{space}"{device}"'))
    return run


def test_a_run_from_before_there_were_devices_is_one_of_the_processor(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    config = json.loads((run / "config.json").read_text())
    assert config.pop("device") == "cpu"
    (run / "config.json").write_text(json.dumps(config))
    assert read_config(run).device == "cpu"
    assert within("resume", run, "--headless", "--steps", "30", cwd=tmp_path).returncode == 0


@without
def test_a_run_of_a_device_that_is_not_here_says_so_and_can_still_be_read(
    names: Path, tmp_path: Path
) -> None:
    report = fit(tmp_path, "--data", names, "--steps", "50")
    run = moved(tmp_path / "runs" / report["run"], NO_GPU[0])
    assert quick_engines.start(run).wait(60) == 1
    sentence = f"device {NO_GPU[0]} is not to be had: {missing(NO_GPU[0])}; train this run where"
    assert sentence in (run / "engine.log").read_text()
    refused = within("replay", "last", cwd=tmp_path)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    for command in (("runs",), ("sample", "last"), ("export", "last", "--to", "json")):
        assert within(*command, cwd=tmp_path).returncode == 0
    # One update that stands in no checkpoint.
    with column_path(run, 0).open("ab") as column:
        column.write(bytes(4))
    done = within("sample", "last", cwd=tmp_path)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 10)
    stands = "stands at step 51, these are from its checkpoint at step 50"
    assert f"run {run.name} {stands}: {sentence}" in done.stderr
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    refused = within("sample", "last", cwd=tmp_path)
    assert refused.returncode == 2
    assert f"run {run.name}: no sound checkpoint leads to its end, and {sentence}" in refused.stderr


@pytest.mark.parametrize("device", GPUS)
def test_a_run_on_a_gpu_is_replayed_bit_for_bit(device: str, names: Path, tmp_path: Path) -> None:
    if why := missing(device):
        pytest.skip(why)
    acts = ("100:optimizer=adamw", "200:batch_size=64", "300:clip=0.5")
    flags: list[str | Path] = ["--data", names, "--steps", "400"]
    for act in acts:
        flags += ["--act", act]
    report = fit(tmp_path, *flags, "--device", device, program=steermore)
    run = tmp_path / "runs" / report["run"]
    (started,) = (event for event in read_events(run) if isinstance(event, EngineStarted))
    assert str(started.environment["device"]).startswith(device)
    told = steermore("replay", "last", cwd=tmp_path)
    assert told.stdout.startswith(f"bit-identical {report['weights_sha256']}\n"), told.stderr
    resumed = reported(tmp_path, "resume", "last", "--steps", "500", program=steermore)
    assert resumed["steps"] == 500
    here = fit(tmp_path, *flags)
    assert report["dev_loss"] == pytest.approx(here["dev_loss"], rel=0.01)
