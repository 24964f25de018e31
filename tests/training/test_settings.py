"""Settings: every number of a recipe has a range, and what lies outside it ends in a message that names it."""

import dataclasses
import math
import types
from contextlib import suppress
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2s.errors import ConfigError
from sam2s.training.losses import LossWeights
from sam2s.training.recipe import Recipe, load_recipe
from sam2s.training.settings import read_settings

PLAIN = load_recipe("micro").to_dict()


def numbers(kind: type, where: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], type]]:
    """Every setting of a recipe that is a number: its place, and whether it is whole."""
    found = []
    for name, hint in get_type_hints(kind).items():
        inner = [k for k in get_args(hint) if k is not type(None)]
        if get_origin(hint) in (Union, types.UnionType):
            hint, inner = inner[0], list(get_args(inner[0]))
        if dataclasses.is_dataclass(hint):
            found += numbers(hint, (*where, name))
        elif get_origin(hint) is tuple and dataclasses.is_dataclass(inner[0]):
            found += numbers(inner[0], (*where, name, 0))
        elif get_origin(hint) is tuple and inner[0] in (int, float):
            found.append(((*where, name, 0), inner[0]))
        elif hint in (int, float):
            found.append(((*where, name), hint))
    return found


NUMBERS = numbers(Recipe)


def changed(where: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    values = yaml.safe_load(yaml.safe_dump(PLAIN))
    place = values
    for key in where[:-1]:
        place = place[key]
    if place == []:  # a list of numbers that is empty by default
        place.append(value)
    else:
        place[where[-1]] = value
    return values


def test_numbers_are_found():
    places = {".".join(map(str, where)) for where, _ in NUMBERS}
    assert {"loss.tsl", "optimiser.betas.0", "data.sources.0.weight", "data.clips.augmentation.flip"} <= places
    assert len(places) > 60


@pytest.mark.parametrize(
    ("where", "kind"), NUMBERS, ids=lambda x: ".".join(map(str, x)) if isinstance(x, tuple) else ""
)
def test_what_no_number_of_a_recipe_may_be(where, kind):
    """NaN and infinity are refused, and so is what lies below every range; whole numbers have no fraction."""
    for value in (math.nan, math.inf, -math.inf, ".nan", -1e6, *([0.5] if kind is int else [])):
        with pytest.raises(ConfigError, match=next(str(k) for k in reversed(where) if isinstance(k, str))):
            read_settings(Recipe, changed(where, value))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": -1.0}, r"mask is -1\.0; it must be at least 0"),
        ({"tsl": math.nan}, "tsl is nan; it must be at least 0"),
        ({"balance": 1.5}, r"balance is 1\.5; it is a share, from 0 to 1"),
        ({"others": -0.1}, r"others is -0\.1; it is a share, from 0 to 1"),
        ({"arl_sigma": 0.0}, r"arl_sigma is 0\.0; it must be above 0"),
        ({"tsl_scale_start": 0.0}, r"tsl_scale_start is 0\.0; it must be above 0"),
    ],
)
def test_weights_of_the_loss_have_ranges(change, message):
    with pytest.raises(ConfigError, match=message):
        LossWeights(**change)


WORDS = st.sampled_from(["micro", "", "auto", "5000 steps", "-3 minutes", "nan epochs", "off", "synthetic", "1e-5"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2),
    max_leaves=4,
)


def every_place(values: Any, where: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    return [place for key, item in items for place in ((*where, key), *every_place(item, (*where, key)))]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(every_place(PLAIN)), VALUES)
def test_any_value_anywhere_is_taken_or_refused_in_words(where, value):
    with suppress(ConfigError):
        assert isinstance(read_settings(Recipe, changed(where, value)), Recipe)


@dataclasses.dataclass(frozen=True)
class Sample:
    """Settings of each type."""

    share: float
    mode: Literal["off", "on"] = "off"
    pair: tuple[int, int] = (1, 2)


def test_values_are_converted_to_the_types_of_their_settings():
    assert read_settings(Sample, {"share": "1e-5", "mode": True, "pair": [3, 4.0]}) == Sample(1e-5, "on", (3, 4))
    with pytest.raises(ConfigError, match="share is missing; it has no default"):
        read_settings(Sample, {})
    with pytest.raises(ConfigError, match=r"x is None; it must hold keys: share, mode, pair"):
        read_settings(Sample, None, "x")
