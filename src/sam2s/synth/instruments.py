"""The 21 instruments of the SA-SV benchmark: what tells the kinds apart, from the tip to the shaft.

Real kinds differ in more than their tips: a suction is a bare tube, a vessel sealer thick and white, a maker rings its
forceps in a colour. So every kind has its own tip, thickness, shaft and collar; some share a shaft, none shares all.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import tips
from .tips import Tip, forceps


class InstrumentKind(NamedTuple):
    """One kind of instrument.

    Attributes:
        tip: builds the working end: (generator, on a robot's wrist) -> Tip.
        shafts: materials that its shaft may be of.
        collar: materials of the bands behind the tip, from the tip backwards.
        thickness: radius of the shaft against that of others in the scene.
    """

    tip: Callable[[np.random.Generator, bool], Tip]
    shafts: tuple[str, ...] = ("steel", "dull steel")
    collar: tuple[str, ...] = ()
    thickness: float = 1.0


INSTRUMENTS: dict[str, InstrumentKind] = {
    "ligature": InstrumentKind(tips.ligature, ("white", "grey"), ("violet",), 1.1),
    "grasper": InstrumentKind(forceps(7.0, 0.6, 0.5, 0.5, hole=0.2, teeth=0.16)),
    "dissecting and grasping forceps": InstrumentKind(
        forceps(5.5, 0.45, 0.13, 0.5, bend=0.9), ("black",), ("gold",), 0.8
    ),
    "hook": InstrumentKind(tips.hook, ("black",), ("white",), 0.75),
    "large needle driver": InstrumentKind(
        forceps(3.0, 0.6, 0.42, 0.45, look="gold", link=(2.6, 3.6), always_jointed=True), ("black",), ("grey",), 1.15
    ),
    "bipolar forceps": InstrumentKind(
        forceps(5.0, 0.5, 0.34, 0.5, root="blue", hole=0.16, middle=0.55), ("black", "grey"), ("blue", "blue")
    ),
    "clip applier": InstrumentKind(tips.clip_applier, ("steel",), ("black", "black"), 1.2),
    "monopolar curved scissors": InstrumentKind(tips.scissors(True), ("black",), ("orange", "orange"), 1.1),
    "prograsp forceps": InstrumentKind(
        forceps(6.5, 0.7, 0.7, 0.4, look="dull steel", hole=0.3, middle=0.75), ("grey",), ("white",), 1.3
    ),
    "scissors": InstrumentKind(tips.scissors(False), ("steel",), ("blue",), 0.9),
    "bipolar": InstrumentKind(forceps(8.0, 0.3, 0.1, 0.25, look="steel", root="white", bend=-0.3), ("blue",), (), 0.7),
    "suction": InstrumentKind(tips.suction, ("steel", "dull steel"), (), 1.1),
    "needle holder": InstrumentKind(
        forceps(3.8, 0.55, 0.28, 0.35, look="steel", bend=0.5, teeth=0.05), ("steel",), ("red", "gold"), 1.2
    ),
    "snare": InstrumentKind(tips.snare, ("white",), (), 0.6),
    "catheter": InstrumentKind(tips.catheter, ("green", "gold"), (), 0.8),
    "ultrasound probe": InstrumentKind(tips.probe, ("white",), ("grey",), 1.6),
    "vessel sealer": InstrumentKind(tips.sealer, ("white",), ("blue", "grey"), 1.5),
    "grasping retractor": InstrumentKind(tips.retractor, ("dull steel",), ("green",), 1.3),
    "suturing needle": InstrumentKind(tips.needle),
    "thread": InstrumentKind(tips.thread),
    "clamp": InstrumentKind(forceps(9.0, 0.45, 0.3, 0.2, look="gold", teeth=0.1), ("gold",), ("red",)),
}
"""By name; the names are those of the benchmark."""


def shaft_look(rng: np.random.Generator, name: str, robotic: bool) -> str:
    """The material of an instrument's shaft; most robots have black ones."""
    if robotic and rng.random() < 0.5:
        return "black"
    return str(rng.choice(INSTRUMENTS[name].shafts))
