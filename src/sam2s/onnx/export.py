"""Writing a network as a folder of ONNX graphs that needs nothing else to track with."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sam2s.checkpoints.native import EXPORT, Metadata, record
from sam2s.errors import ConfigError, missing_extra
from sam2s.files import names_in, replacing
from sam2s.model import SAM2S

from .graphs import LARGE, VARIABLE, Part, parts

FILE, CONSTANTS = EXPORT, "constants.safetensors"
"""Names of the description of an exported network and of the few tensors that belong to no graph."""
VERSION = 1
OPSET = 20
Precision = Literal["float32", "float16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")

log = logging.getLogger(__name__)


def export(
    network: SAM2S,
    folder: Path,
    *,
    precision: Precision = "float32",
    metadata: Metadata | None = None,
    report_progress: Callable[[str], None] = log.info,
) -> None:
    """Write a network in float32 on the CPU as ONNX graphs; an earlier export in the folder is replaced as a whole.

    Args:
        network: what to export; its image size is fixed in the graphs.
        folder: to be made, with a graph for each of `graphs.parts`, the constants and the description.
        precision: float16 halves the files of the large parts; int8 quantises the weights of their matrix products,
            and their activations as they come. Inputs and outputs stay float32.
        metadata: what is known about the weights, to be kept.
        report_progress: called with the name of each part before it is written.

    Raises:
        MissingExtraError: onnx or onnxscript are not installed.
        ConfigError: the network is not in float32, there is no such precision, or the folder holds something else than
            an earlier export.
        OutputError: the folder is a file, or cannot be written.
    """
    _require()
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    if network.dtype != torch.float32 or network.device.type != "cpu":
        kind = str(network.dtype).removeprefix("torch.")
        raise ConfigError(f"a network in {kind} on {network.device} cannot be exported; load it in fp32 on the cpu")
    config = network.config
    ours = {FILE, CONSTANTS, *(f"{part.name}.onnx" for part in parts(replace(config, semantic="joint")))}
    there = names_in(folder)
    if there and FILE not in there:
        raise ConfigError(f"{folder} is not empty and holds no earlier export; choose another --out")
    if others := sorted(there - ours):
        raise ConfigError(
            f"{folder} holds more than an earlier export, which would be replaced as a whole: {', '.join(others[:6])}; "
            "move that away or choose another --out"
        )
    with replacing(folder) as partial:
        partial.mkdir(parents=True)
        for part in parts(config):
            report_progress(part.name)
            path = partial / f"{part.name}.onnx"
            with _quiet():
                _write(network, part, path)
                if part.name in LARGE:
                    _shrink(path, precision)
        save_file(constants(network), partial / CONSTANTS)
        facts = {
            "version": VERSION,
            "precision": precision,
            "opset": OPSET,
            "network": record(config, metadata),
            "graphs": {part.name: {"inputs": part.inputs, "outputs": part.outputs} for part in parts(config)},
        }
        (partial / FILE).write_text(json.dumps(facts, indent=2) + "\n")


def constants(network: SAM2S) -> dict[str, Tensor]:
    """The tensors that belong to no graph: they are added or put in place as they are."""
    found: dict[str, Tensor] = {"no_mem_embed": network.no_mem_embed, "no_obj_ptr": network.no_obj_ptr}
    if network.config.semantic != "off":
        found |= {"cls_token": network.cls_token, "text_bank": network.text_bank}
    return {name: tensor.detach().contiguous() for name, tensor in found.items()}


class _Traced(nn.Module):
    """A part as a module of its own, as the exporter wants it."""

    def __init__(self, network: SAM2S, part: Part) -> None:
        super().__init__()
        self.network = network
        self.part = part

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(x for x in self.part.compute(self.network, *inputs) if x is not None)


def _write(network: SAM2S, part: Part, path: Path) -> None:
    dimensions = {letter: torch.export.Dim(letter) for letter in VARIABLE}
    varying = tuple(
        {axis: dimensions[letter] for axis, letter in enumerate(shape.split()) if letter in dimensions}
        for shape in part.inputs.values()
    )
    with torch.no_grad():
        program = torch.onnx.export(
            _Traced(network, part).eval(),
            tuple(part.example(network.config).values()),
            dynamo=True,
            dynamic_shapes=(varying,),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    program.save(path)


def _shrink(path: Path, precision: Precision) -> None:
    """Turn the weights of a graph into a smaller type, in place."""
    import onnx

    if precision == "float16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)
    elif precision == "int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic

        graph = onnx.load(path)
        del graph.graph.value_info[:]  # the exporter's shapes, from before it folded constants, mislead the quantiser
        quantize_dynamic(graph, path, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the remarks of exporter and quantiser about their own insides from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _require() -> None:
    try:
        import onnxscript  # noqa: F401

        import onnx  # noqa: F401
    except ImportError as error:
        raise missing_extra(f"an export needs {error.name}", "onnx") from error
