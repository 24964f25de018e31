"""An exported network: onnxruntime computes, behind the contract of `model.Network`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sam2s.checkpoints.containers import read_tensors
from sam2s.checkpoints.native import parse_metadata
from sam2s.errors import CheckpointError, missing_extra
from sam2s.model import LONG_TERM_SLOT, ImageFeatures, Memory, ModelConfig
from sam2s.model.mask_decoder import Decoded
from sam2s.model.prompt_encoder import NOT_A_POINT, Prompt

from .export import CONSTANTS, FILE, VERSION
from .graphs import parts

CERTAIN = 100.0
"""Logit whose sigmoid is 1 in float32: thresholded masks enter the memory encoder as plus or minus this."""


class OnnxNetwork:
    """A folder written by `sam2s export onnx`, ready to run on the CPU; offers what `model.SAM2S` offers to tracking.

    Tensors are views of what onnxruntime reads and writes; torch computes nothing of the network. All graphs share the
    number of threads that torch has when the folder is opened.

    Args:
        folder: the exported network.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        CheckpointError: the folder is not an export, is of another version, or a file of it is missing or damaged.
    """

    dtype = torch.float32
    device = torch.device("cpu")

    def __init__(self, folder: Path) -> None:
        self.config, self._folder = network_config(folder), folder
        self._parts = {part.name: part for part in parts(self.config)}
        self._sessions = {name: _session(folder / f"{name}.onnx") for name in self._parts}
        self._constants = read_tensors(folder / CONSTANTS)[0]
        self._no_prompt: dict[int, Prompt] = {}

    @property
    def image_size(self) -> int:
        """Side S of the square model image, pixels."""
        return self.config.image_size

    @property
    def text_bank(self) -> Tensor:
        """Text features [K, text_dim], float32."""
        return self._constants["text_bank"]

    @property
    def no_obj_ptr(self) -> Tensor:
        """Object pointer [1, C] of an absent object."""
        return self._constants["no_obj_ptr"]

    def encode_image(self, images: Tensor) -> ImageFeatures:
        """Normalised images [B, 3, S, S] -> features."""
        embedding, s4, s8 = self._run("image_encoder", images)
        return ImageFeatures(embedding, (s4, s8))

    def without_memory(self, embedding: Tensor) -> Tensor:
        """Embedding [B, C, h, w] for a frame that is prompted before anything is remembered."""
        return embedding + self._constants["no_mem_embed"].view(1, -1, 1, 1)

    def first_cls(self, batch: int) -> Tensor | None:
        """The CLS token [B, 1, C] of frames that bypass memory attention; None without semantics."""
        return None if self.config.semantic == "off" else self._constants["cls_token"].expand(batch, -1, -1)

    def attend(self, embedding: Tensor, memory: Memory) -> tuple[Tensor, Tensor | None]:
        """Condition the embedding [B or 1, C, h, w] on the memory of B objects; as `SAM2S.attend`."""
        last = self.config.num_maskmem
        slots = torch.tensor([last if slot == LONG_TERM_SLOT else slot for slot in memory.slots])
        conditioned, *cls = self._run(
            "memory_attention", embedding, memory.maps.float(), slots, memory.pointers, memory.distances
        )
        return conditioned, cls[0] if cls else None

    def encode_prompt(
        self, batch: int, points: tuple[Tensor, Tensor] | None = None, mask_logits: Tensor | None = None
    ) -> Prompt:
        """Encode the prompts of B objects; as `SAM2S.encode_prompt`."""
        if points is None and mask_logits is None:
            if batch not in self._no_prompt:
                self._no_prompt[batch] = self._encode_prompt(batch, None, None)
            return self._no_prompt[batch]
        return self._encode_prompt(batch, points, mask_logits)

    def _encode_prompt(self, batch: int, points: tuple[Tensor, Tensor] | None, mask_logits: Tensor | None) -> Prompt:
        coords, labels = points or (torch.zeros(batch, 1, 2), torch.full((batch, 1), NOT_A_POINT))
        side = self.image_size // 4
        mask = torch.zeros(batch, 1, side, side) if mask_logits is None else mask_logits
        given = torch.full((batch,), mask_logits is not None)
        return Prompt(*self._run("prompt_encoder", coords.float(), labels, mask, given))

    def decode(self, embedding: Tensor, features: ImageFeatures, prompt: Prompt, cls: Tensor | None = None) -> Decoded:
        """Read masks off a conditioned embedding [B, C, h, w]; as `SAM2S.decode`."""
        token = () if cls is None else (cls,)
        logits, ious, tokens, object_logit, *read = self._run(
            "mask_decoder", embedding, *features.high_res, prompt.sparse, prompt.dense, *token
        )
        return Decoded(logits, ious, tokens, object_logit, read[0] if read else None)

    def encode_memory(self, embedding: Tensor, logits: Tensor, object_logit: Tensor, *, binarize: bool) -> Tensor:
        """Make the memory maps [B, mem_dim, h, w] of a frame; as `SAM2S.encode_memory`."""
        if binarize:
            logits = torch.where(logits > 0, CERTAIN, -CERTAIN)
        return self._run("memory_encoder", embedding, logits, object_logit)[0]

    def semantic_logits(self, cls: Tensor) -> Tensor:
        """CLS tokens [B, C] -> float32 logits [B, K] over the text bank."""
        return self._run("semantics", cls)[0]

    def mask_downsample(self, mask: Tensor, /) -> Tensor:
        """Masks [B, 1, S, S] reduced to the size of a mask prompt [B, 1, 4h, 4w]."""
        return self._run("mask_reducer", mask)[0]

    def obj_ptr_proj(self, tokens: Tensor, /) -> Tensor:
        """Mask tokens [B, C] -> object pointers [B, C]."""
        return self._run("object_pointer", tokens)[0]

    def digest(self) -> str:
        """SHA-256 over the files of the export."""
        found = hashlib.sha256()
        for file in sorted(file for file in self._folder.iterdir() if file.is_file()):
            found.update(file.name.encode())
            with file.open("rb") as content:
                found.update(hashlib.file_digest(content, "sha256").digest())
        return found.hexdigest()

    def _run(self, name: str, *inputs: Tensor) -> list[Tensor]:
        part = self._parts[name]
        feed = {key: np.ascontiguousarray(x.numpy()) for key, x in zip(part.inputs, inputs, strict=True)}
        return [torch.from_numpy(x) for x in self._sessions[name].run(list(part.outputs), feed)]


def is_export(path: Path) -> bool:
    """Whether a path is a folder that `sam2s export onnx` wrote."""
    return (path / FILE).is_file()


def network_config(folder: Path) -> ModelConfig:
    """Sizes of an exported network.

    Raises:
        CheckpointError: the folder is not an export, or one that this version does not know.
    """
    if not is_export(folder):
        raise CheckpointError(f"{folder} holds no {FILE}; make it with: sam2s export onnx --weights NAME --out DIR")
    try:
        facts = json.loads((folder / FILE).read_text())
        if facts["version"] == VERSION:
            return parse_metadata(json.dumps(facts["network"]), folder / FILE)[0]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"cannot read {folder / FILE} ({error!r}); export the network again") from error
    raise CheckpointError(f"{folder} was exported by another version of sam2s; export the network again")


def _session(path: Path) -> Any:
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise missing_extra("an exported network needs onnxruntime", "onnx") from error
    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    # Without this the idle threads of one graph keep the cores from the next: 96 instead of 27 ms a frame (micro, 2).
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception of its own for every kind of failure
        raise CheckpointError(f"cannot open {path} ({error}); export the network again") from error
