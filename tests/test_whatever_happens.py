"""Engines in processes of their own, steered by two clients at once, killed and forked at random:
the run and its forks replay bit for bit, and open again where they ended.

The same is done to a Run without a process, more often and faster, in test_time_travel.py.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import checkpoint
from core.client import Client, EngineGone
from core.forking import fork
from core.protocol import (
    Act,
    AnyCommand,
    AnyEvent,
    AnyRecorded,
    Cancel,
    Cancelled,
    Decay,
    EngineStarted,
    Evaluate,
    FindLearningRate,
    Nudge,
    Pause,
    Point,
    Recorded,
    Redo,
    Restore,
    Resume,
    RolledBack,
    Sample,
    SetKnobs,
    SetSetting,
    Shutdown,
    SnapshotTaken,
    Step,
    StepsDone,
    TakeSnapshot,
    Undo,
)
from core.record import read_events
from core.story import read_story
from tests.conftest import FUZZ, SEED, Engine, MakeRun
from tests.test_time_travel import replayed

Start = Callable[[Path], Engine]

KNOBS: list[AnyCommand] = [
    *(SetKnobs(values={"learning_rate": rate}) for rate in (0.003, 0.05, 0.3)),
    Nudge(name="learning_rate", rungs=1),
    Nudge(name="learning_rate", rungs=-1, fine=True),
    Decay(factor=0.5),
    *(SetKnobs(values={"schedule": kind}) for kind in ("cosine", "exponential", "constant")),
    SetKnobs(values={"schedule": "step", "drops": (50, 500)}),
    *(SetKnobs(values={"batch_size": size}) for size in (1, 7, 64)),
    SetKnobs(values={"optimizer": "adamw", "learning_rate": 0.01}),
    SetKnobs(values={"optimizer": "sgd", "momentum": 0.9, "clip": 1.0}),
]
REST: list[AnyCommand] = [
    *[Undo()] * 4,
    *[Redo()] * 3,
    *[Resume()] * 3,
    *[Pause()] * 2,
    *(Step(count=count) for count in (1, 40, 900)),
    Sample(count=3),
    Evaluate(),
    *[FindLearningRate(steps=300)] * 2,
    Cancel(),
    TakeSnapshot(name="named"),
    SetSetting(name="pace", value=1_000),
    SetSetting(name="pace", value=0),
]


class Hands:
    """Two clients of a run's engine, and whoever kills it."""

    def __init__(self, directory: Path, start: Start, chance: random.Random) -> None:
        self.directory, self.chance, self._start = directory, chance, start
        self.heard: dict[int, AnyRecorded] = {}
        """What was told and should therefore stand in the record, by its number."""
        self.begin()

    def begin(self) -> None:
        self.engine = self._start(self.directory)
        second = Client(self.directory, "second")
        second.attach(10)
        self.clients = (self.engine.client, second)
        self.step = self.engine.attached.welcome.step
        self.heard |= {event.seq: event for event in self.engine.attached.events}

    def is_ready(self, event: AnyEvent) -> bool:
        """Whether it tells that the present engine has opened the run."""
        return isinstance(event, EngineStarted) and event.pid == self.engine.process.pid

    def listen(self, client: Client, seconds: float = 0.0) -> list[AnyEvent]:
        events = client.receive(seconds)
        for event in events:
            if isinstance(event, Recorded):
                assert self.heard.setdefault(event.seq, event) == event
            if isinstance(event, StepsDone):
                self.step = event.first_step + len(event.loss) // 4
        return events

    def until(self, client: Client, found: Callable[[AnyEvent], bool]) -> None:
        """Until this client has heard that; the other one listens too."""
        deadline = time.monotonic() + 60
        while not any(found(event) for event in self.listen(client, 0.1)):
            assert time.monotonic() < deadline
            for other in set(self.clients) - {client}:
                self.listen(other)

    def ask(self, command: AnyCommand) -> None:
        """One of them asks, and does not always wait for the answer."""
        client = self.chance.choice(self.clients)
        asked = client.send(command)

        def settled(event: AnyEvent) -> bool:
            # What the other one asked for may end what this one began.
            ended = isinstance(event, (RolledBack, Cancelled))
            mine = getattr(event, "client", client.name) == client.name
            return ended or (mine and getattr(event, "answers", None) == asked)

        if not isinstance(command, Step) and self.chance.random() < 0.7:
            self.until(client, settled)

    def train(self) -> None:
        """A while, unless the other one has asked for a pause."""
        self.ask(Resume())
        for _ in range(self.chance.randint(1, 6)):
            self.listen(self.clients[0], 0.1)

    def go_back(self) -> None:
        acts = [event for event in self.heard.values() if isinstance(event, Act)]
        if acts and self.chance.random() < 0.3:
            act = self.chance.choice(acts)
            self.ask(Restore(point=Point(act.seq, act.step)))
        else:
            self.ask(Restore(step=self.chance.randint(0, self.step)))

    def do_something(self) -> None:
        deeds: list[Callable[[], None]] = [
            self.train,
            self.go_back,
            lambda: self.ask(self.chance.choice(KNOBS)),
            lambda: self.ask(self.chance.choice(REST)),
        ]
        self.chance.choices(deeds, (3, 1, 4, 5))[0]()

    def kill(self) -> None:
        self.engine.process.kill()
        self.hear_the_end()
        self.begin()

    def shut_down(self) -> None:
        # An engine that is still opening the run leaves it as it is, and saves nothing.
        if not any(map(self.is_ready, self.heard.values())):
            self.until(self.clients[0], self.is_ready)
        self.clients[1].send(Shutdown())
        self.hear_the_end()
        assert self.engine.process.returncode == 0

    def hear_the_end(self) -> None:
        self.engine.process.wait(30)
        for client in self.clients:
            with contextlib.suppress(EngineGone):
                while True:
                    self.listen(client, 1.0)
            client.close()

    def fork(self) -> Hands:
        """A run that begins anywhere on the lineage, as far as the record tells of it now."""
        path = read_story(self.directory).path
        step = self.chance.randint(path[0].start, path[-1].end)
        knobs: dict[str, Any] | None = self.chance.choice([None, {"learning_rate": 0.02}])
        child = fork(self.directory, self.directory.parent, step=step, knobs=knobs)
        return Hands(child, self._start, self.chance)


def last_saved(directory: Path) -> SnapshotTaken:
    return [event for event in read_events(directory) if isinstance(event, SnapshotTaken)][-1]


def check(hands: Hands) -> None:
    """The run, whose engine has ended, is what its clients were told, and can be had again."""
    recorded = {event.seq: event for event in read_events(hands.directory)}
    assert {seq: recorded.get(seq) for seq in hands.heard} == hands.heard
    saved = last_saved(hands.directory)
    _, described = checkpoint.load(hands.directory / "checkpoints" / saved.file)
    verdict = replayed(hands.directory)
    assert verdict.difference == ""
    assert verdict.checkpoints > 0
    assert verdict.state_sha256 == saved.state_sha256 == described.state_sha256
    hands.begin()
    welcome = hands.engine.attached.welcome
    assert (welcome.branch, welcome.step) == (saved.branch, saved.step)
    hands.shut_down()
    # The state was found sound on the way in, and nothing has happened since.
    assert last_saved(hands.directory) == saved


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(SEED, SEED + max(2, FUZZ // 10)))
def test_whatever_is_done_to_it_a_run_and_its_fork_replay_bit_for_bit(
    make_run: MakeRun, start: Start, seed: int
) -> None:
    chance = random.Random(seed)
    settings = {"step_limit": 100_000, "evaluation_interval": 1_500}
    parent = Hands(make_run(settings=settings), start, chance)
    kill, branch_off = sorted(chance.sample(range(10, 40), 2), key=lambda _: chance.random())
    for number in range(40):
        parent.do_something()
        if number == kill:
            parent.kill()
        if number == branch_off:
            # It goes on meanwhile, but not far.
            parent.ask(SetSetting(name="pace", value=1_000))
            child = parent.fork()
            for _ in range(12):
                child.do_something()
            child.shut_down()
            check(child)
    parent.shut_down()
    check(parent)
