"""The network as ONNX graphs: writing them, and tracking with onnxruntime."""

from .export import PRECISIONS, Precision, export
from .network import OnnxNetwork, describe, is_export

__all__ = ["PRECISIONS", "OnnxNetwork", "Precision", "describe", "export", "is_export"]
