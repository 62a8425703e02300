"""One study on several machines: real databases, and sweeps that know only their address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalogue import look
from core.sweep_place import Place, checked_url
from core.sweep_standing import Standing, Tried
from core.sweep_study import exists, join
from tests import mariadb, postgresql
from tests.conftest import Steermore
from tests.postgresql import ESCAPED, PASSWORD
from tests.sentences import is_sentence
from tests.sweeping import LONG, Sweeping, long

SERVERS = {"postgresql": postgresql.postgresql, "mysql": mariadb.mariadb}
MISSING = {"postgresql": postgresql.reason(), "mysql": mariadb.reason()}


@pytest.fixture(scope="module", params=SERVERS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if why := MISSING[request.param]:
        pytest.skip(why)
    with SERVERS[request.param]() as address:
        yield address


def under_way(now: Standing, runs: Path) -> list[Tried]:
    """The trials of that machine that train."""
    running = [each for each in now.trials if each.state == "running" and each.run]
    return [each for each in running if list(runs.glob(f"{each.run}/loss-*.f32"))]


@long
def test_machines_share_a_study_and_one_that_dies_is_replaced(
    url: str, tmp_path: Path, few_names: Path, steermore: Steermore
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    options = ("--study", "s", "--data", str(few_names), "--workers", "1", "--heartbeat", "1")
    begun = ("--learning-rate", "0.05:0.2", "--trials", "4", *LONG, "--pace", "200")
    first = Sweeping(here, *options, *begun, url=url)
    second: Sweeping | None = None
    try:
        first.wait_for(lambda now: now.count("running"))
        # All that the other machine needs is the name, the address and the list.
        second = Sweeping(there, *options, url=url)
        both = second.wait_for(lambda now: under_way(now, here) and under_way(now, there))
        (ours,) = under_way(both, here)
        first.kill()
        code, said = second.finish()
        assert code == 0, said
        ended = second.standing()
    finally:
        for each in (first, second):
            if each is not None and each.process.poll() is None:
                each.kill()
    assert ended.trials[ours.number].state == "lost"
    assert ended.done == ended.count("finished") == 4
    again = [each for each in ended.trials if each.values == ours.values]
    assert [each.state for each in again] == ["lost", "finished"]
    last = again[-1].directory
    assert last is not None
    assert steermore("replay", last)[1].startswith("bit-identical")
    # What was on the machine that died can still be taken up there.
    assert look(here / ours.run).state == "crashed"

    code, shown, _ = steermore("sweep", "--show", "s", "--storage", url, "--runs-dir", there)
    assert code == 0
    assert "4 of 4 trials, 1 lost" in shown
    told = said + shown
    for path in (path for folder in (here, there) for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        assert PASSWORD.encode() not in data, path
        assert ESCAPED.encode() not in data, path
    assert PASSWORD not in told
    assert ESCAPED not in told


def test_a_wrong_password_is_a_sentence_without_it(
    url: str, tmp_path: Path, steermore: Steermore
) -> None:
    wrong = url.replace(ESCAPED, "guessed-at")
    code, out, told = steermore("sweep", "--show", "s", "--storage", wrong, "--runs-dir", tmp_path)
    assert code == 2
    assert "guessed-at" not in told + out
    assert "password authentication failed" in told or "Access denied for user" in told
    assert is_sentence(told.strip())


def test_a_database_that_is_not_there_is_a_sentence(
    url: str, tmp_path: Path, steermore: Steermore
) -> None:
    nowhere = url.rpartition("/")[0] + "/another"
    code, _, told = steermore("sweep", "--show", "s", "--storage", nowhere, "--runs-dir", tmp_path)
    assert (code, is_sentence(told.strip())) == (2, True)
    assert "another" in told
    assert PASSWORD not in told


def test_a_study_of_somebody_else_is_left_alone(url: str, tmp_path: Path) -> None:
    import optuna

    place = Place(tmp_path, checked_url(url))
    optuna.create_study(study_name="theirs", storage=place.url)
    assert exists(place, "theirs")
    assert not exists(place, "ours")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.sweep_study.MAKING_SECONDS", 0.2)
        with pytest.raises(ValueError, match="not made by this steermore"):
            join(place, "theirs")
