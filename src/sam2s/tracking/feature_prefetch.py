"""Prefetching of image features: frames are read, resized and encoded while the tracker processes earlier ones."""

from __future__ import annotations

import atexit
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from weakref import WeakSet

import torch

from sam2s.device import cores
from sam2s.model import ImageFeatures, Network
from sam2s.video.frame import Frame
from sam2s.video.prefetch import prefetch

from .preprocess import normalise, resize

ON_GPU = 8
"""Frames per batch of the image encoder on a GPU; on a CPU larger batches than one gain nothing."""

Encoded = tuple[Frame, ImageFeatures | None]


def prefetch_features(model: Network, frames: Iterable[Frame]) -> Generator[Encoded]:
    """Yield frames with their image features, read ahead by a thread in a bounded queue.

    The thread encodes as well where that overlaps with tracking: on a GPU, and on a processor with cores that torch
    leaves idle. Otherwise it only decodes, and features are None. On a processor the features are those of `encode` to
    the bit; on a GPU those of a batch, which may round otherwise than those of a frame alone.

    Args:
        model: the network.
        frames: in the order they will be tracked; closed at the end where they have a `close`.
    """
    if model.device.type == "cuda":
        encoded = _arrived(prefetch(_batches(model, frames), depth=2))
    elif model.device.type == "cpu" and torch.get_num_threads() < cores():
        encoded = prefetch(((frame, encode(model, [frame])) for frame in frames), depth=2)
    else:
        encoded = prefetch(((frame, None) for frame in frames), depth=4)
    _unfinished.add(encoded)
    return encoded


_unfinished: WeakSet[Generator[Encoded]] = WeakSet()


@atexit.register
def _stop_threads() -> None:
    """End the threads of what was left half way, as PyTorch aborts a process that ends while one computes."""
    for encoded in list(_unfinished):
        with suppress(ValueError):  # it runs in another thread at this moment
            encoded.close()


@torch.inference_mode()
def encode(model: Network, frames: list[Frame]) -> ImageFeatures:
    """Image features of a batch of frames."""
    pixels = torch.cat([resize(frame.image, model.image_size) for frame in frames])
    if model.device.type == "cuda":
        pixels = pixels.pin_memory().to(model.device, non_blocking=True)
    return model.encode_image(normalise(pixels.to(model.device)))


def _batches(model: Network, frames: Iterable[Frame]) -> Iterator[tuple[list[Frame], ImageFeatures, torch.cuda.Event]]:
    """Encode on a stream of its own, so that copies and kernels overlap with those of the tracker."""
    stream = torch.cuda.Stream(model.device)
    stream.wait_stream(torch.cuda.default_stream(model.device))  # may still write weights, or the position code
    for batch in batched_frames(frames, ON_GPU):
        filled = batch + batch[-1:] * (ON_GPU - len(batch))  # one shape, for which a compiled encoder is made once
        with torch.cuda.stream(stream):
            features = encode(model, filled)
        yield batch, features, stream.record_event()


def batched_frames(frames: Iterable[Frame], count: int) -> Iterator[list[Frame]]:
    """Lists of `count` frames, the last of fewer; an error of the source comes after all frames before it."""
    rest = iter(frames)
    while True:
        batch, failed = list[Frame](), None
        try:
            batch.extend(islice(rest, count))  # keeps what came before an error
        except Exception as error:
            failed = error
        if batch:
            yield batch
        if failed is not None:
            raise failed
        if len(batch) < count:
            return


def _arrived(batches: Iterator[tuple[list[Frame], ImageFeatures, torch.cuda.Event]]) -> Generator[Encoded]:
    for frames, features, done in batches:
        current = torch.cuda.current_stream(features.embedding.device)
        current.wait_event(done)
        for tensor in (features.embedding, *features.high_res):
            tensor.record_stream(current)  # its memory must not be used again before the tracker has read it
        for i, frame in enumerate(frames):
            own = features.take(slice(i, i + 1))
            # Long-term memory may keep the embedding for hours; a view would keep those of the whole batch.
            yield frame, replace(own, embedding=own.embedding.clone())
