"""One function of tensors, recorded once for each set of shapes and replayed without launching kernel after kernel.

On a CUDA device the record is a CUDA graph (pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). Elsewhere there
is nothing to record; the function then runs on the same fixed inputs, so that tests without a GPU go the same way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[..., tuple[Tensor, ...]]
LIMIT = 24
"""Sets of shapes that are kept; of more the one unused for longest is dropped."""
_TRIALS = 3  # runs before a recording, in which libraries choose their kernels


class StepGraphs:
    """A function whose inputs are tensors of few shapes; must not wait for the device or copy from the host.

    Attributes:
        step: the function; its results depend on its arguments alone.
        recorded: number of sets of shapes recorded so far.
    """

    def __init__(self, step: Step, *, limit: int = LIMIT) -> None:
        self.step, self.recorded = step, 0
        self._limit = limit
        self._records: OrderedDict[tuple[object, ...], _Record] = OrderedDict()

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the function makes of the inputs, in tensors of the caller's own."""
        key = tuple((tuple(x.shape), x.dtype, x.device) for x in inputs)
        record = self._records.pop(key, None)
        if record is None:
            record = _Record(self.step, inputs)
            self.recorded += 1
        self._records[key] = record
        if len(self._records) > self._limit:
            self._records.popitem(last=False)
        return record.replay(inputs)


class _Record:
    """The function with fixed inputs and outputs."""

    def __init__(self, step: Step, inputs: tuple[Tensor, ...]) -> None:
        self._step = step
        self._inputs = tuple(x.clone() for x in inputs)
        self._outputs: tuple[Tensor, ...] = ()
        self._graph = self._record() if inputs[0].is_cuda else None

    def _record(self) -> torch.cuda.CUDAGraph:
        device = self._inputs[0].device
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(_TRIALS):
                self._step(*self._inputs)
        torch.cuda.current_stream(device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._outputs = self._step(*self._inputs)
        return graph

    def replay(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Copy inputs in, run, and copy the results out."""
        for fixed, given in zip(self._inputs, inputs, strict=True):
            fixed.copy_(given, non_blocking=True)
        if self._graph is None:
            self._outputs = self._step(*self._inputs)
        else:
            self._graph.replay()
        return tuple(x.clone() for x in self._outputs)
