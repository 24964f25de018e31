"""A recipe: everything that decides a training run, as a YAML file that can be changed value by value.

    base: sam2s-base-plus        # another recipe or file to start from
    optimiser: {lr: 5e-6}        # what differs

Recipes that come with the package lie in `recipes/`; their names are the files' names without the ending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml

from sam2s.errors import ConfigError

from .data import ClipSettings, SourceSettings
from .freeze import Learning
from .initial_weights import ModelSettings
from .losses import LossWeights
from .optim import OptimiserSettings
from .prompting import PromptRules
from .schedule import Schedule
from .settings import read_settings

FOLDER = Path(__file__).with_name("recipes")


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


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
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
    save_minutes: float = 10.0
    keep: int = 2
    visualise_every: int = 500

    def __post_init__(self) -> None:
        for name in ("batch", "keep"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("ema_decay", "teacher_forcing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it is a share, from 0 to 1")


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
    run: RunSettings = field(default_factory=RunSettings)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, the form of the YAML file."""
        return _plain(asdict(self))


def recipes() -> dict[str, Path]:
    """The recipes of the package by name."""
    return {str(path.relative_to(FOLDER).with_suffix("")): path for path in sorted(FOLDER.rglob("*.yaml"))}


def find_recipe(name_or_path: str) -> Path:
    """The file of a recipe.

    Raises:
        ConfigError: there is none of that name or path.
    """
    if name_or_path in recipes():
        return recipes()[name_or_path]
    if (path := Path(name_or_path).expanduser()).is_file():
        return path
    near = get_close_matches(name_or_path, recipes(), 1, 0.4)
    hint = f"did you mean {near[0]}? Or " if near else ""
    raise ConfigError(f"there is no recipe {name_or_path!r}: {hint}give a YAML file or one of {', '.join(recipes())}")


def load_recipe(name_or_path: str, overrides: Sequence[str] = (), *, data: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        name_or_path: one of `recipes()`, or a YAML file.
        overrides: "a.b=value" each, the value written as in YAML; a number picks from a list (data.sources.0.weight=2).
        data: places that replace those of the recipe; other settings of its first source hold for all of them.

    Raises:
        ConfigError: there is no such recipe, it is no YAML, or a setting does not exist or cannot have its value.
    """
    values = _read(find_recipe(name_or_path))
    if data:
        sources = values.setdefault("data", {}).get("sources") or [{}]
        values["data"]["sources"] = [{**sources[0], "place": place} for place in data]
    for text in overrides:
        _override(values, text)
    try:
        return read_settings(Recipe, values)
    except ConfigError as error:
        raise ConfigError(f"recipe {name_or_path}: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} is no recipe; it must hold keys such as model, data, schedule")
    if (base := values.pop("base", None)) is None:
        return values
    return _merge(_read(find_recipe(str(base))), values)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {k: _merge(below[k], above[k]) for k in below.keys() & above.keys() if _mappings(below[k], above[k])}
    return {**below, **above, **both}


def _mappings(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


def _override(values: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {text} is not of the form a.b=value, such as optimiser.lr=5e-6")
    *path, last = key.split(".")
    place: Any = values
    for part in path:
        if isinstance(place, list):
            place = place[_index(place, part, key)]
        else:
            place = place.setdefault(part, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict | list):
            raise ConfigError(f"--set {key}: {part} holds {place!r}, which has no settings of its own")
    try:
        place[_index(place, last, key) if isinstance(place, list) else last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text}: the value cannot be read as YAML; put it in quotes") from error


def _index(items: list[Any], part: str, key: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        raise ConfigError(f"--set {key}: {part!r} is not the number of an entry, 0 to {len(items) - 1}")
    return int(part)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
