"""napari: a stretch of a workspace as layers, without napari: they are plain tuples until it shows them.

`for layer in napari_layers(...): viewer.add_layer(napari.layers.Layer.create(*layer))`; a reader plugin returns the
list as it is (napari's convention of layer data tuples: data, keyword arguments of the layer, kind of layer).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sam2s.errors import ConfigError, OutputError
from sam2s.masks import rle
from sam2s.video.frame import VideoSource
from sam2s.workspace import WorkspaceReader

LayerData = tuple[np.ndarray, dict[str, Any], str]
"""Data, keyword arguments and kind of a layer."""

MOST_BYTES = 4 << 30
"""Of all arrays that are made; longer videos are shown in stretches."""


def napari_layers(
    workspace: WorkspaceReader, source: VideoSource | None = None, *, start: int = 0, stop: int | None = None
) -> list[LayerData]:
    """Make an image layer of the frames and a labels layer of the masks, with one frame for each index.

    Args:
        workspace: where the masks are.
        source: its video; without it there is no image layer.
        start: index of the first frame, which is the first of both layers; `metadata["start"]` says it.
        stop: index behind the last one; by default behind the last that has masks.

    Returns:
        [("image", uint8 [T, H, W, 3])], with a source, and ("labels", uint8 or uint16 [T, H, W], values are object ids;
        where objects overlap the smallest id is seen), whose metadata hold `names` by id, `fps` and `start`.

    Raises:
        ConfigError: there is no frame in the stretch.
        OutputError: the arrays would be too large, or an id does not fit.
    """
    indices = workspace.frame_indices()
    stop = (max(indices, default=-1) + 1) if stop is None else stop
    height, width = workspace.video.size
    if not 0 <= start < stop:
        raise ConfigError(f"frames {start} to {stop} are none; give start below stop, of {len(indices)} with masks")
    names = {info.object_id: info.name or "object" for info in workspace.objects()}
    if max(names, default=0) > 65535:
        raise OutputError(f"object id {max(names)} does not fit into labels of 16 bits; export another form")
    kind = np.uint8 if max(names, default=0) < 256 else np.uint16
    pixel_bytes = np.dtype(kind).itemsize + (3 if source is not None else 0)
    if (size := (stop - start) * height * width * pixel_bytes) > MOST_BYTES:
        most = MOST_BYTES // (height * width * pixel_bytes)
        raise OutputError(f"{stop - start} frames take {size} bytes; give start and stop at most {most} frames apart")
    labels = np.zeros((stop - start, height, width), kind)
    for record in workspace.frames(start, stop):
        for object_id, entry in sorted(record.objects.items(), reverse=True):
            if rle.area(entry.rle):
                labels[record.index - start][entry.mask] = object_id
    fps = workspace.video.fps
    metadata = {"names": names, "start": start, "fps": None if fps is None else str(fps)}
    layers: list[LayerData] = [(labels, {"name": "masks", "metadata": metadata}, "labels")]
    if source is not None:
        images = np.zeros((stop - start, height, width, 3), np.uint8)
        for frame in source.frames(start, stop):
            images[frame.index - start] = frame.image
        layers.insert(0, (images, {"name": workspace.video.name, "rgb": True, "metadata": {"start": start}}, "image"))
    return layers
