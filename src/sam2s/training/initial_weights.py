"""The network that a run starts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from sam2s.checkpoints import Metadata, load_checkpoint, registry
from sam2s.errors import ConfigError
from sam2s.model import SAM2S, ModelConfig, build, preset
from sam2s.model.text_bank import TextBank

from .freeze import ADDITIONS
from .initialise import matching_weights
from .settings import require

NO_BANK = ("?",)
"""The names of a bank that is not there, where only the sizes are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSettings:
    """What to start from.

    Attributes:
        init: weights to start from, a name or a file; None draws weights that are fit for training from nothing.
        preset: sizes of the network if `init` is None.
        semantic: the CLS token, "off", "joint" or "reader" (`sam2s.model.ModelConfig`); None keeps that of `init`.
        bank: text bank that `sam2s text-bank` made; None keeps that of `init`.
        names: categories of a bank that is learned, where no CLIP is at hand; those that `init` knows go on with what
            it learned of them.
        drop_path, dropout: stochastic depth of the trunk, dropout of the memory attention. SAM 2.1: 0.1 both.
        licence, note: what the written weights say of themselves; empty for what `init` says.
    """

    init: str | None = None
    preset: str = "base-plus"
    semantic: Literal["off", "joint", "reader"] | None = None
    bank: str | None = None
    names: tuple[str, ...] = ()
    drop_path: float = 0.0
    dropout: float = 0.0
    licence: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        require(self, "drop_path", "dropout", least=0, below=1)
        if self.bank and self.names:
            raise ConfigError("there is a bank, so its names hold; leave out names, or leave out bank to learn one")


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """Sizes and weights to start from.

    Attributes:
        config: of the network that is trained.
        state: weights, some of which may be missing if they are new; None for fresh ones.
        metadata: of `init`.
        bank: what the text bank is filled with, or None.
        known_names: categories of `init`, whose rows of the text bank go on where the names are to be learned.
    """

    config: ModelConfig
    state: Mapping[str, Tensor] | None
    metadata: Metadata
    bank: TextBank | None = None
    known_names: tuple[str, ...] = ()

    @property
    def stages(self) -> list[dict[str, Any]]:
        """Settings of the trainings that made `init`."""
        return list(self.metadata.training.get("stages", []))


def read_initial_weights(settings: ModelSettings, image_size: int, *, sizes_only: bool = False) -> InitialWeights:
    """Find the weights to start from.

    Args:
        settings: which.
        image_size: side of the network's image.
        sizes_only: named weights and the bank need not be on this machine; the state of named weights stays None, and
            a bank that is not there counts as one of a single name.

    Raises:
        CheckpointError: the weights cannot be found or read.
        ConfigError: there is no such preset, or the image size cannot work.
    """
    if settings.init is None:
        config, state, metadata = preset(settings.preset), None, Metadata()
    elif sizes_only and settings.init in registry():
        config, state, metadata = preset(registry()[settings.init].preset), None, Metadata()
    else:
        config, state, metadata = load_checkpoint(settings.init)
    known_names = config.categories
    config = replace(config, image_size=image_size, semantic=settings.semantic or config.semantic)
    path = Path(settings.bank).expanduser() if settings.bank else None
    bank = TextBank.read(path) if path and not (sizes_only and not path.exists()) else None
    if bank is not None:
        config = bank.fit(config)
    elif path is not None:
        config = replace(config, categories=NO_BANK)
    elif settings.names and config.semantic != "off":
        config = replace(config, categories=settings.names, text_encoder="", templates=())
    if config.semantic != "off" and not config.categories:
        raise ConfigError(
            "the CLS token needs names to learn; give model.bank (made by sam2s text-bank) or model.names"
        )
    return InitialWeights(config, state, metadata, bank, known_names)


def build_initial_network(initial: InitialWeights, settings: ModelSettings) -> SAM2S:
    """The network in training mode; what SAM2S adds is drawn at random where the weights lack it.

    Raises:
        ConfigError: the weights lack something else.
    """
    model = build(initial.config, drop_path=settings.drop_path, dropout=settings.dropout).train()
    if initial.state is None:
        matching_weights(model)
    else:
        fresh = model.state_dict()
        fitting = {name: x for name, x in initial.state.items() if name in fresh and x.shape == fresh[name].shape}
        if settings.names and "text_bank" in fresh:
            fitting["text_bank"] = _rows_by_name(initial, fresh["text_bank"])
        missing = [name for name in fresh if name not in fitting and not name.startswith(ADDITIONS)]
        if missing:
            raise ConfigError(f"{settings.init} lacks {', '.join(missing[:5])}; convert it with sam2s weights convert")
        model.load_state_dict(fitting, strict=False)
    if initial.bank is not None:
        initial.bank.put(model)
    return model


def _rows_by_name(initial: InitialWeights, fresh: Tensor) -> Tensor:
    """The text bank of `init` under the names that are to be learned; a name that it lacks begins with a fresh row."""
    assert initial.state is not None
    bank, old = fresh.clone(), initial.state.get("text_bank")
    if old is not None and old.shape[1] == fresh.shape[1]:
        for row, name in enumerate(initial.config.categories):
            if name in initial.known_names:
                bank[row] = old[initial.known_names.index(name)]
    return bank


def describe_initial_weights(initial: InitialWeights, settings: ModelSettings) -> str:
    """What is trained, in words."""
    origin = f"from {settings.init}" if settings.init else "from nothing"
    config = initial.config
    bank = f"{len(config.categories)} names {'by ' + config.text_encoder if config.text_encoder else 'to be learned'}"
    if config.categories == NO_BANK:
        bank = "the text bank missing"
    semantic = "no CLS token" if config.semantic == "off" else f"CLS token {config.semantic}, {bank}"
    return f"{config.name} at {config.image_size} px, {origin}, {semantic}"
