"""How smoke, blur, water, blood, a black screen and a test picture look; each repeatable at any frame."""

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import map_coordinates

from .noise import cut

Array = NDArray[np.uint8]
Field = NDArray[np.float32]


def add_smoke(image: Array, seed: int, at: int, strength: float) -> Array:
    """Grey smoke that drifts: a picture uint8 [S, S, 3], the event's seed, its frame, and how much of it is there."""
    rng = np.random.default_rng((seed, 1))
    grey = rng.uniform(0.55, 0.85) + np.array([0.0, *rng.uniform(-0.02, 0.03, 2)])
    dense, drift = rng.uniform(0.6, 0.92), rng.uniform(0.1, 0.6, 2)
    cloud = _cloud(rng, image.shape[0], shift=drift * at)
    amount = np.clip(strength * dense * (0.75 + 0.6 * cloud), 0, 0.97)[..., None]
    return _to_bytes(image * (1 - amount) + 255 * grey * amount, rng, at)


def add_blur(image: Array, seed: int, at: int, strength: float) -> Array:
    """A lens out of focus; arguments as of `add_smoke`."""
    rng = np.random.default_rng((seed, 2))
    sigma = strength * image.shape[0] * rng.uniform(0.012, 0.035) * (1 + 0.15 * np.sin(at / 5))
    return _to_bytes(_blurred(image, sigma).astype(np.float32), rng, at)


def add_wash(image: Array, seed: int, at: int, strength: float) -> Array:
    """Water that runs over the lens: it bends, blurs and glitters; arguments as of `add_smoke`."""
    rng = np.random.default_rng((seed, 3))
    size = image.shape[0]
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    speed, angle = rng.uniform(0.15, 0.5), rng.uniform(-0.6, 0.6)
    shift = np.array([-speed * np.cos(angle), speed * np.sin(angle)]) * at * 96
    waves = _cloud(rng, size, shift=shift) - 0.5, _cloud(rng, size, shift=1.3 * shift) - 0.5
    reach = strength * rng.uniform(0.15, 0.4)
    where = (y + reach * waves[0]) * size, (x + reach * waves[1]) * size
    soft = _blurred(image, strength * size * rng.uniform(0.004, 0.014)).astype(np.float32)
    bent = np.stack([map_coordinates(soft[..., c], where, order=1, mode="reflect") for c in range(3)], -1)
    glitter = np.clip((waves[0] - waves[1] - 0.25) * 4, 0, 1) * strength * rng.uniform(60, 160)
    return _to_bytes(bent + glitter[..., None], rng, at)


def add_blood(image: Array, seed: int, at: int, strength: float) -> Array:
    """A film of blood over most of the lens, which sags slowly; arguments as of `add_smoke`."""
    rng = np.random.default_rng((seed, 4))
    size = image.shape[0]
    red = np.array([rng.uniform(70, 150), rng.uniform(0, 16), rng.uniform(0, 18)])
    field = _cloud(rng, size, shift=np.array([-0.05 * at, 0.0]))
    clear = np.quantile(field, rng.uniform(0.05, 0.4))
    film = np.clip((field - clear) * 12 + 0.5, 0, 1) * rng.uniform(0.85, 0.98) * strength
    soft = _blurred(image, size * 0.015 * strength).astype(np.float32)
    edge = film[..., None]
    return _to_bytes(soft * (1 - edge) + (0.7 * red + 0.3 * red * soft / 255) * edge, rng, at)


def black_picture(size: int, seed: int, at: int) -> Array:
    """Nothing but the sensor's noise: a picture uint8 [size, size, 3]."""
    rng = np.random.default_rng((seed, 5))
    return _to_bytes(np.full((size, size, 3), rng.uniform(0, 8), np.float32), rng, at)


def pattern_picture(size: int, seed: int) -> Array:
    """What a console shows without a camera: colour bars, grey steps, or one colour. uint8 [size, size, 3]."""
    rng = np.random.default_rng((seed, 6))
    level = int(rng.choice([191, 255]))
    bars = np.array([[(n >> b) & 1 for b in (1, 2, 0)] for n in range(7, -1, -1)]) * level
    steps = np.repeat(np.linspace(0, 255, 11)[:, None], 3, 1)
    kind = rng.choice(["bars", "bars", "steps", "blue"])
    rows = {"bars": bars[: int(rng.integers(7, 9))], "steps": steps, "blue": np.array([[0, 0, level]])}[kind]
    picture = np.repeat(rows[None, np.arange(size) * len(rows) // size], size, 0)
    if kind == "bars" and rng.random() < 0.5:
        picture[int(0.75 * size) :] = picture[0, ::-1]
    return picture.astype(np.uint8)


def _cloud(rng: np.random.Generator, size: int, shift: NDArray[np.float64], scale: float = 0.7) -> Field:
    """Soft noise [size, size] from 0 to 1, moved by `shift` (rows, columns) in 96ths of the picture's side."""
    field = cut(rng, ("cloud", "warped"), 96, 96, scale)[None, None]
    base = F.interpolate(F.avg_pool2d(field, 3, 1, 1), (97, 97), mode="bilinear", align_corners=True)[0, 0].numpy()
    rows, columns = (np.arange(size) * (96 / size) + s for s in shift)
    mirrored = [np.abs((n + 96) % 192 - 96) for n in (rows, columns)]
    return map_coordinates(base, np.meshgrid(*mirrored, indexing="ij"), order=1, mode="nearest").astype(np.float32)


def _blurred(image: Array, sigma: float) -> Array:
    """A Gaussian blur, of a smaller picture where it is wide."""
    step = max(1, int(sigma / 2))
    picture = Image.fromarray(image)
    small = picture.reduce(step) if step > 1 else picture
    soft = small.filter(ImageFilter.GaussianBlur(float(sigma) / step))
    return np.asarray(soft if step == 1 else soft.resize(picture.size, Image.Resampling.BICUBIC))


def _to_bytes(image: NDArray[np.floating], rng: np.random.Generator, at: int) -> Array:
    """Pixels with the noise of a sensor: none, a little or much by event, anew in every frame."""
    amount = float(rng.choice([0.0, 1.0, 2.5]))
    if amount:
        noise = np.random.default_rng((int(rng.integers(2**31)), at + 1000)).normal(0, amount, image.shape[:2])
        image = image + noise[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)
