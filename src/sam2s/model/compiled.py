"""A network whose heavy parts run as compiled kernels."""

from __future__ import annotations

from .network import SAM2S


def compile_network(model: SAM2S, backend: str = "inductor") -> SAM2S:
    """Let what runs on every frame be compiled, in place, when it first runs; returns the network.

    The image encoder has one shape, which is compiled in. What the rest reads grows and shrinks with prompts, objects
    and full memories, so there the numbers of points, objects and memory tokens stay open. A number of 1 is special to
    the compiler all the same; `tracking.warm_up` lets all kernels be made at once.
    """
    model.image_encoder.compile(backend=backend, dynamic=False, fullgraph=True)
    for part in (model.memory_attention, model.memory_encoder, model.sam_mask_decoder):
        part.compile(backend=backend, dynamic=True, fullgraph=True)
    return model
