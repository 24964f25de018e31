"""The network as ONNX graphs: writing them, and tracking with onnxruntime."""

from .export import FILE, PRECISIONS, Precision, export
from .network import OnnxNetwork, is_export, network_config

__all__ = ["FILE", "PRECISIONS", "OnnxNetwork", "Precision", "export", "is_export", "network_config"]
