"""The scheduler in simulated time: exact where nothing fails, bounded where nodes do."""

import pytest

from sam2s.archive.simulation import ClusterModel, simulate

NEVER = 1e9


def test_without_failures_the_time_is_that_of_the_longest_queue():
    cluster = ClusterModel(nodes=2, workers=1, failures=NEVER, startup=0, spare=0)
    result = simulate([3600, 3600, 3600], cluster)
    assert result.hours == pytest.approx(2)
    assert result.ideal == pytest.approx(1.5)
    assert (result.lost, result.failures, result.attempts, result.set_aside) == (0, 0, 3, 0)


def test_a_failure_costs_what_was_done_since_the_last_snapshot():
    cluster = ClusterModel(nodes=1, workers=1, failures=2.0, repair=0.5, checkpoint=600, startup=0)
    results = [simulate([5 * 3600], cluster, seed=seed) for seed in range(40)]
    failed = [result for result in results if result.failures and not result.set_aside]
    assert failed
    for result in failed:
        assert result.attempts == result.failures + 1
        assert 0 < result.lost * (5 * 3600) < (600 * result.failures) * 1.2
        assert result.hours > 5 + 0.5 * result.failures - 1e-6


def test_thousands_of_jobs_on_tens_of_nodes_end_once_each():
    cluster = ClusterModel(nodes=40, workers=4, failures=100.0, repair=2.0)
    result = simulate([1800.0] * 3000, cluster, seed=1)
    assert result.failures > 0
    assert result.set_aside == 0
    assert result.attempts >= 3000
    assert result.lost < 0.02
    assert 1 < result.hours / result.ideal < 1.3
