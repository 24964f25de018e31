"""A recipe: everything that decides a training run, as a YAML file that can be changed value by value.

    base: sam2s-base-plus        # another recipe or file to start from
    optimiser: {lr: 5e-6}        # what differs

Recipes that come with the package lie in `recipes/`; their names are the files' names without the ending. A base that
is a file is sought beside the file that names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sam2s.errors import ConfigError

from .data import ClipSettings, SourceSettings
from .freeze import Learning
from .initial_weights import ModelSettings
from .losses import LossWeights
from .optim import OptimiserSettings
from .prompting import PromptRules
from .recipe_values import find_recipe, override, read_values, recipes, replace_places
from .run_log import Wandb
from .schedule import Schedule
from .settings import read_settings, require, require_share
from .validation import ValidationSettings

__all__ = ["DataSettings", "LoopSettings", "Recipe", "find_recipe", "load_recipe", "recipes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSettings:
    """What to learn from.

    Attributes:
        sources: where videos come from.
        clips: what is cut from them; `clips.size` is also the network's image size.
        workers: loader processes for each training process; 0 reads in the training process itself.
    """

    sources: tuple[SourceSettings, ...]
    clips: ClipSettings
    workers: int = 4

    def __post_init__(self) -> None:
        require(self, "workers", least=0)
        if not self.sources:
            raise ConfigError("sources is empty; name at least one, such as [{place: my-videos}]")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopSettings:
    """How a run goes about it.

    Attributes:
        seed: decides all that is random.
        batch: clips of an optimiser step, over all processes; what does not fit at once is done one after the other.
        precision: "auto" is bf16 on CUDA devices that have it, else fp32. Weights are always fp32.
        activation_checkpointing: forget what trunk blocks computed, and compute it again in the backward pass: slower,
            but needs far less memory.
        compile: compile the image encoder.
        ema_decay: weight of the past in the moving average of the weights, which is then what is written; 0 for none.
        teacher_forcing: share of frames that are at first remembered with their true masks; sinks to 0 by half of the
            training.
        real_distances: object pointers are told how many frames of the video lie between, as in tracking, instead of
            how many of the clip, as SAM 2 trains; they differ in DiveMem clips and with strides.
        average_start: shares of the weights that the run starts from, in averages of them and what was learned that are
            made when the run ends: an average often does better on other videos than either. Where there are
            validations, each is measured, and the best one is written, be it what was learned alone; without
            validations give one share.
        wandb: whether Weights & Biases (extra `wandb`) records the run; offline it writes a folder that `wandb sync`
            can send later.
        save_minutes: between checkpoints.
        keep: checkpoints kept.
        visualise_every: between pictures of predictions, 0 for none.
    """

    seed: int = 1
    batch: int = 4
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    activation_checkpointing: bool = False
    compile: bool = False
    ema_decay: float = 0.0
    teacher_forcing: float = 0.0
    real_distances: bool = False
    average_start: tuple[float, ...] = ()
    wandb: Wandb = "off"
    save_minutes: float = 10.0
    keep: int = 2
    visualise_every: int = 500

    def __post_init__(self) -> None:
        require(self, "batch", "keep", least=1)
        require(self, "seed", "save_minutes", "visualise_every", least=0)
        require_share(self, "ema_decay", "teacher_forcing")
        if not all(0 <= share <= 1 for share in self.average_start):
            raise ConfigError(f"average_start is {list(self.average_start)}; each is a share, from 0 to 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything that decides a training run; see the classes of the fields."""

    model: ModelSettings
    data: DataSettings
    schedule: Schedule
    learning: Learning = field(default_factory=Learning)
    prompts: PromptRules = field(default_factory=PromptRules)
    loss: LossWeights = field(default_factory=LossWeights)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    run: LoopSettings = field(default_factory=LoopSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)

    def __post_init__(self) -> None:
        if len(self.run.average_start) > 1 and not self.validation.every:
            raise ConfigError(
                f"run.average_start is {list(self.run.average_start)}, and nothing tells which is best; "
                "give one share, or set validation.every"
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain values, the form of the YAML file."""
        return _plain(asdict(self))


def load_recipe(name_or_path: str, overrides: Sequence[str] = (), *, data: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        name_or_path: one of `recipes()`, or a YAML file.
        overrides: "a.b=value" each, the value written as in YAML; a number picks from a list (data.sources.0.weight=2).
        data: places that replace those of the recipe; other settings of its first source hold for all of them.

    Raises:
        ConfigError: there is no such recipe, it is not YAML, or a setting does not exist or cannot have its value.
    """
    values = read_values(find_recipe(name_or_path))
    try:
        if data:
            replace_places(values, data)
        for text in overrides:
            override(values, text)
        return read_settings(Recipe, values)
    except ConfigError as error:
        raise ConfigError(f"recipe {name_or_path}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
