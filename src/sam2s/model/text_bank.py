"""The text bank: category names as CLIP text features (SAM2S paper, Sec. TSL).

Legend: K names, D width of the features.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from sam2s.errors import CheckpointError, ConfigError
from sam2s.files import replacing

from .config import ModelConfig
from .network import SAM2S

KEY = "sam2s_text_bank"


@dataclass(frozen=True, slots=True, eq=False)
class TextBank:
    """Names and their features.

    Attributes:
        names: K names.
        features: float32 [K, D], rows of length 1.
        encoder: the CLIP model that computed them: a name on the hub or a folder.
        templates: sentences with {} for the name.
    """

    names: tuple[str, ...]
    features: Tensor
    encoder: str
    templates: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write the bank as one safetensors file; it appears whole or not at all.

        Raises:
            ConfigError: the path does not end in .safetensors.
            OutputError: the file cannot be written.
        """
        if path.suffix != ".safetensors":
            raise ConfigError(f"a text bank is a safetensors file: name it {path.with_suffix('.safetensors').name}")
        record = {"names": self.names, "encoder": self.encoder, "templates": self.templates}
        with replacing(path) as partial:
            save_file({"text_bank": self.features}, partial, metadata={KEY: json.dumps(record)})
            partial.chmod(0o644)  # safetensors lets nobody else read what it writes

    @classmethod
    def read(cls, path: Path) -> TextBank:
        """Read what `write` wrote.

        Raises:
            CheckpointError: there is no such file, or it is not a text bank.
        """
        try:
            with safe_open(path, "pt") as file:
                record = json.loads((file.metadata() or {})[KEY])
                features = file.get_tensor("text_bank")
            names = tuple(record["names"])
            if features.shape[0] == len(names):
                return cls(names, features, record["encoder"], tuple(record["templates"]))
            raise ValueError(f"{len(names)} names, {features.shape[0]} features")
        except FileNotFoundError as error:
            raise CheckpointError(
                f"there is no text bank {path}; make it with: sam2s text-bank --out {path}"
            ) from error
        except Exception as error:  # whatever a damaged file makes safetensors say
            raise CheckpointError(f"{path} is not a text bank that sam2s text-bank wrote") from error

    def fit(self, config: ModelConfig) -> ModelConfig:
        """Return the config of a network with this bank; a network without a CLS token gets a joint one."""
        return replace(
            config,
            semantic="joint" if config.semantic == "off" else config.semantic,
            text_dim=self.features.shape[1],
            categories=self.names,
            text_encoder=self.encoder,
            templates=self.templates,
        )

    @torch.no_grad()
    def put(self, network: SAM2S) -> None:
        """Copy the features into a network whose config came from `fit`."""
        network.text_bank.copy_(self.features)
