"""Recorded steps: fixed inputs, outputs of the caller's own, a bounded number of records."""

import torch

from sam2s.tracking.step_graphs import StepGraphs


def double(x, y):
    return x * 2, x.sum(1, keepdim=True) + y


def test_results_are_those_of_the_function_and_the_callers_own():
    graphs = StepGraphs(double)
    first = graphs(torch.ones(2, 3), torch.zeros(2, 1))
    second = graphs(torch.full((2, 3), 5.0), torch.ones(2, 1))
    assert first[0].tolist() == [[2.0] * 3] * 2
    assert second[1].tolist() == [[16.0]] * 2
    assert graphs.recorded == 1


def test_a_function_that_gives_back_an_input_gives_a_copy():
    graphs = StepGraphs(lambda x: (x,))
    first, given = graphs(torch.zeros(2))[0], torch.ones(2)
    second = graphs(given)[0]
    assert first.tolist() == [0, 0]
    given.fill_(7)
    assert second.tolist() == [1, 1]


def test_each_set_of_shapes_has_a_record_and_the_oldest_leaves():
    graphs = StepGraphs(double, limit=2)
    for side in (2, 3, 2, 4, 2, 3):
        graphs(torch.ones(side, side), torch.ones(side, 1))
    assert graphs.recorded == 4, "2 was used between, 3 was dropped for 4 and recorded again"
    assert graphs(torch.ones(2, 2, dtype=torch.double), torch.ones(2, 1))[0].dtype == torch.double
    assert graphs.recorded == 5
