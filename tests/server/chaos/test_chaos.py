"""Processes killed in the middle of rounds: no wrong model, and no contribution in two sums."""

import pytest
from chaos import IN_TIME, Chaos


@pytest.mark.parametrize(
    ("target", "mode", "kills"),
    [
        ("coordinator", "pairwise", 2),
        ("coordinator", "split", 2),
        ("agent", "pairwise", 2),
        ("postgres", "split", 1),
        ("replica", "split", 1),
    ],
)
def test_what_is_killed_in_a_round_leaves_nothing_wrong(request, tmp_path, target, mode, kills):
    if target in {"postgres", "replica"}:
        request.getfixturevalue("postgres_server")  # skips where there is none
    found = Chaos(target, kills, mode).run(tmp_path)
    assert found["problems"] == ()
    assert (found["wrong_models"], found["double_counts"]) == (0, 0)
    assert found["recovery_seconds_max"] < IN_TIME
    assert found["rounds"] >= 3
