"""Light, lens, smoke, sensor and codec: what happens between the scene and the stored frame."""

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .motion import Track, View
from .noise import cut


@dataclass(frozen=True)
class Grade:
    """How strongly a kind of scene is touched: chances from 0 to 1, `grey` the chance of a grey camera."""

    border: float = 0.3
    falloff: float = 0.7
    smoke: float = 0.2
    grey: float = 0.05
    shine: float = 1.0
    shading: float = 0.6
    blur: float = 0.25
    jpeg: float = 0.5
    droplets: float = 0.12
    cast: float = 0.07


class Look:
    """The camera's way of seeing one scene; constant but for slow drifts, and repeatable at any time."""

    def __init__(self, rng: np.random.Generator, size: int, grade: Grade) -> None:
        self.size = size
        axis = (torch.arange(size) + 0.5) * (2 / size) - 1
        self._x, self._y = axis[None], axis[:, None]
        self._seed = int(rng.integers(2**31))
        self._light = [Track(rng, 40, 0.2, rng.uniform(-0.45, 0.45)) for _ in range(2)]
        self._spread = float(rng.uniform(0.15, 0.6))
        self._sharp = float(np.exp(rng.uniform(1.8, 4.6)))
        self._shine = float(grade.shine * rng.uniform(0.1, 1.2))
        self._shading = float(grade.shading * rng.uniform(0.3, 1.2))
        self._cast = torch.tensor(rng.normal(1, grade.cast, 3), dtype=torch.float32)[:, None, None]
        self._grey = bool(rng.random() < grade.grey)
        self._saturation = float(rng.uniform(0.7, 1.25))
        gamma = float(np.exp(rng.normal(0, 0.18)))
        self._gamma = None if abs(gamma - 1) < 0.08 else (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
        self._target = float(rng.uniform(0.28, 0.55))
        self._gain = Track(rng, 25, rng.choice([0.03, 0.1, 0.25]))
        self._falloff = self._vignette(rng) if rng.random() < grade.falloff else None
        self._border = self._scope(rng) if rng.random() < grade.border else None
        self._open = 1.0 if self._border is None else 1 / max(float(self._border.mean()), 0.1)
        self._smoke = self._haze(rng) if rng.random() < grade.smoke else None
        self._smoke_at, self._smoke_on = Track(rng, 20, 3.0), Track(rng, 15, 1.0, rng.uniform(-0.5, 0.5))
        self._focus = Track(rng, 14, 1.0, rng.uniform(-0.9, 0.3)) if rng.random() < grade.blur else None
        self._droplets = self._drops(rng) if rng.random() < grade.droplets else None
        self._trail = bool(rng.random() < 0.6)
        self._noise = float(rng.choice([0.0, 0.008, 0.02, 0.045], p=[0.2, 0.4, 0.3, 0.1]))
        self._grain = cut(rng, ("grain",), size + 64, size + 64, (size + 64) / 256).sub_(0.5).mul_(5)
        self._quality = int(rng.integers(18, 92)) if rng.random() < grade.jpeg else 0
        self._lines = bool(rng.random() < 0.02)
        self._text = self._caption(rng) if rng.random() < 0.06 else None

    @property
    def border(self) -> NDArray[np.float32] | None:
        """How much light the scope lets through, `[S, S]` from 0 to 1; None without its border."""
        return None if self._border is None else self._border.numpy()

    def _vignette(self, rng: np.random.Generator) -> torch.Tensor:
        cx, cy = rng.normal(0, 0.3, 2)
        square = (self._x - float(cx)) ** 2 + (self._y - float(cy)) ** 2
        return 1 / (1 + float(rng.uniform(0.2, 1.8)) * square) * float(rng.uniform(1.0, 1.35))

    def _scope(self, rng: np.random.Generator) -> torch.Tensor:
        """What the scope shows, 1 inside: a circle, an octagon, an ellipse cut by the frame."""
        x, y = self._x - float(rng.normal(0, 0.05)), self._y - float(rng.normal(0, 0.05))
        wide, high = rng.uniform(0.75, 1.25, 2).tolist()
        if rng.random() < 0.5:
            inside = (1 - torch.hypot(x / wide, y / high)) * min(wide, high)
        else:
            wide, high = min(wide, 0.97), min(high, 0.97)
            corner = float(rng.uniform(1.3, 1.75))
            inside = torch.minimum(wide - x.abs(), high - y.abs())
            inside = torch.minimum(inside, (corner * max(wide, high) - x.abs() - y.abs()) / math.sqrt(2))
        return (inside * self.size / 2 / float(rng.uniform(1, 4)) + 0.5).clamp_(0, 1)

    def _haze(self, rng: np.random.Generator) -> torch.Tensor:
        return cut(rng, ("cloud", "warped"), 96, 96, rng.uniform(0.4, 1.2))[None, None] * float(rng.uniform(0.4, 1.1))

    def _drops(self, rng: np.random.Generator) -> torch.Tensor:
        """Displacement `[1, S, S, 2]` by droplets and bubbles on the lens."""
        shift = torch.zeros(self.size, self.size, 2)
        for _ in range(int(rng.integers(1, 6))):
            radius = float(rng.uniform(0.04, 0.25))
            dx, dy = self._x - float(rng.uniform(-1, 1)), self._y - float(rng.uniform(-1, 1))
            weight = (1 - (dx * dx + dy * dy) / radius**2).clamp_(min=0) * float(rng.uniform(-1.2, -0.2))
            shift += torch.stack([dx * weight, dy * weight], -1)
        grid = torch.stack(torch.broadcast_tensors(self._x, self._y), -1)
        return (grid + shift)[None]

    def _caption(self, rng: np.random.Generator) -> torch.Tensor:
        page = Image.new("L", (self.size, self.size))
        text = "".join(rng.choice(list("0123456789:/ ABCDE"), rng.integers(6, 18)))
        ImageDraw.Draw(page).text((self.size * 0.03, self.size * rng.choice([0.03, 0.9])), text, 255)
        return torch.from_numpy(np.asarray(page) > 128)

    def develop(
        self, buffer: torch.Tensor, labels: torch.Tensor, t: float, frame: int, view: View, before: View
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Lights a canvas `[6, S, S]` of scene time `t` and exposes it as frame number `frame`."""
        image = self._lit(buffer, t)
        image, labels = self._through_lens(image, labels, t, view, before)
        image = self._exposed(image, t, frame)
        if self._text is not None:
            image[:, self._text] = 0.9
            labels = labels.masked_fill(self._text, 0)
        pixels = (image.clamp_(0, 1) * 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
        if self._gamma is not None:
            pixels = self._gamma[pixels]
        if self._quality:
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "JPEG", quality=self._quality)
            pixels = np.array(Image.open(stream))
        return pixels, labels.numpy()

    def _lit(self, buffer: torch.Tensor, t: float) -> torch.Tensor:
        colour, nx, ny, gloss = buffer[:3], buffer[3], buffer[4], buffer[5]
        lx, ly = self._light[0](t), self._light[1](t)
        diffuse = (nx * nx + ny * ny).mul_(-0.45).add_(nx, alpha=lx).add_(ny, alpha=ly).mul_(self._shading).add_(1)
        diffuse.clamp_(0.08, 1.8)
        if self._falloff is not None:
            diffuse *= self._falloff
        hx, hy = nx - (self._x * self._spread + lx), ny - (self._y * self._spread + ly)
        shine = (
            hx.square_()
            .add_(hy.square_())
            .mul_(-self._sharp)
            .add_(1)
            .clamp_(min=0)
            .square_()
            .mul_(gloss)
            .mul_(self._shine)
        )
        return (colour * diffuse).mul_(self._cast).add_(shine)

    def _through_lens(
        self, image: torch.Tensor, labels: torch.Tensor, t: float, view: View, before: View
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self._smoke is not None:
            amount = max(self._smoke_on(t), 0.0)
            if amount > 0.02:
                shift = int(4 * self._smoke_at(t)) % 48
                haze = F.interpolate(
                    self._smoke[..., shift : shift + 48, :48], (self.size, self.size), mode="bilinear"
                )[0, 0]
                image = image.lerp_(torch.full((1, 1, 1), 0.75), (haze * amount).clamp_(0, 0.9))
        if self._droplets is not None:
            image = F.grid_sample(image[None], self._droplets, padding_mode="border", align_corners=False)[0]
            nearest = F.grid_sample(labels[None, None].float(), self._droplets, mode="nearest", align_corners=False)
            labels = nearest[0, 0].to(torch.uint8)
        soft = max(self._focus(t), 0.0) if self._focus else 0.0
        if soft > 0.1:
            small = F.interpolate(image[None], scale_factor=1 / (1 + 3 * soft), mode="bilinear", antialias=False)
            image = F.interpolate(small, (self.size, self.size), mode="bilinear", align_corners=False)[0]
        if self._trail and before.index == view.index:
            dx, dy = (view.x - before.x) * self.size / 4, (view.y - before.y) * self.size / 4
            length = math.hypot(dx, dy)
            if length > 1:
                scale = min(1.0, 8 / length)
                image = self._smeared(image, dx * scale, dy * scale)
        if self._border is not None:
            image = image * self._border
            labels = labels.masked_fill(self._border < 0.5, 0)
        return image, labels

    def _smeared(self, image: torch.Tensor, dx: float, dy: float) -> torch.Tensor:
        """The mean of five copies along a motion of `dx`, `dy` pixels."""
        steps = {(round(dx * s), round(dy * s)) for s in (-0.5, -0.25, 0.0, 0.25, 0.5)}
        total = torch.zeros_like(image)
        for x, y in sorted(steps):
            total += image.roll((y, x), (1, 2))
        return total.div_(len(steps))

    def _exposed(self, image: torch.Tensor, t: float, frame: int) -> torch.Tensor:
        if self._grey:
            image = image.mean(0, keepdim=True).expand(3, -1, -1).clone()
        elif abs(self._saturation - 1) > 0.05:
            image = torch.lerp(image.mean(0, keepdim=True).expand_as(image), image, self._saturation)
        metered = float(image[:, ::8, ::8].mean()) * self._open
        auto = min(max((self._target / max(metered, 1e-3)) ** 0.7, 0.5), 3.0)
        image = image.mul_(auto * math.exp(self._gain(t)))
        if self._noise:
            rng = np.random.default_rng((self._seed, frame))
            (y, x), flip = rng.integers(0, 64, 2), rng.random() < 0.5
            grain = self._grain[y : y + self.size, x : x + self.size]
            image = image.add_(grain.T if flip else grain, alpha=self._noise)
        if self._lines:
            image[:, 1::2] *= 0.85
        return image
