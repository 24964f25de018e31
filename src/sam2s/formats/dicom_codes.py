"""Codes of what a segment shows: standard ones where they exist, a scheme of our own for the rest.

A name is looked up among the meanings of CID 7151 "Segmentation Property Type" (PS3.16), as pydicom lists them. What
that context group lacks, most instruments of surgery, is given the code of the next wider concept, with its own name as
a modifier in our scheme; where there is no wider one either, the type itself is of our scheme.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sam2s.errors import missing_extra

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

SCHEME = "99SAM2S"
"""Designator of our own scheme; those of private schemes begin with 99 (PS3.16, chapter 8)."""

Triple = tuple[str, str, str]
"""Value, scheme and meaning of a code."""

# The context groups of types that CID 7151 includes, and the category of CID 7150 that each belongs to.
_GROUPS = {
    7192: "AnatomicalStructure",
    7191: "Tissue",
    7193: "PhysicalObject",
    7194: "MorphologicallyAbnormalStructure",
    7197: "BodySubstance",
    7198: "Substance",
}
_OTHER_WORDS = {
    "vesicular glands": "Seminal Vesicle",
    "thread": "Suture",
    "suture thread": "Suture",
    "oesophagus": "Esophagus",
    "gall bladder": "Gallbladder",
    "small bowel": "Small intestine",
}
"""Names that mean what a context group calls otherwise."""
_WIDER = {
    "suturing needle": "Needle",
    "suture needle": "Needle",
    "liver ligament": "Ligament",
    "cystic artery": "Artery",
    "intestinal veins": "Vein",
    "polyp": "Lesion",
}
"""Names that a context group lacks, and what it calls the next wider concept."""
_INSTRUMENTS = (
    "ligature", "grasper", "dissecting and grasping forceps", "forceps", "hook", "large needle driver",
    "needle driver", "bipolar forceps", "clip applier", "clipper", "monopolar curved scissors", "prograsp forceps",
    "scissors", "bipolar", "suction", "irrigator", "needle holder", "snare", "ultrasound probe", "vessel sealer",
    "grasping retractor", "retractor", "clamp", "trocar", "stapler", "instrument", "other instrument",
)  # fmt: skip
_INSTRUMENT = ("57134006", "SCT", "Instrument, device")
"""Instruments of surgery have no codes of their own in PS3.16; this one is for any."""
_STRUCTURES = (
    "abdominal wall", "cystic duct", "cystic plate", "hepatocystic triangle", "tube junction", "kidney parenchyma",
    "covered kidney", "gastrointestinal tract",
)  # fmt: skip
"""Anatomy of which only the category is in the standard."""


@dataclass(frozen=True)
class SegmentCodes:
    """What a segment shows, each as (value, scheme, meaning).

    Attributes:
        category: of CID 7150.
        kind: the type.
        modifier: what the type is more exactly, or None.
    """

    category: Triple
    kind: Triple
    modifier: Triple | None = None


def segment_codes(name: str) -> SegmentCodes:
    """Codes for an object of a name; case does not matter.

    What is not known is of the category "Spatial and Relational Concept", the only one that claims nothing.

    Raises:
        MissingExtraError: pydicom is not installed.
    """
    groups = _groups()
    word = " ".join(name.split()).casefold()
    own = (private_value(name), SCHEME, name[:64])
    if standard := groups.get(_OTHER_WORDS.get(word, word).casefold()):
        return SegmentCodes(*standard)
    if word in _WIDER:
        return SegmentCodes(*groups[_WIDER[word].casefold()], own)
    if word in _INSTRUMENTS:
        return SegmentCodes(_category("PhysicalObject"), _INSTRUMENT, None if word == "instrument" else own)
    return SegmentCodes(_category("AnatomicalStructure" if word in _STRUCTURES else "SpatialAndRelationalConcept"), own)


def private_value(name: str) -> str:
    """Code value of a name in our own scheme: equal names have equal codes, in every file.

    >>> private_value("Clip applier")
    'clip-applier'
    """
    word = " ".join(name.split()).casefold()
    plain = re.sub(r"[^a-z0-9]+", "-", word).strip("-")
    if len(plain) <= 16 and re.fullmatch(r"[a-z0-9 -]+", word):
        return plain
    return f"{plain[:7]}-{hashlib.sha256(word.encode()).hexdigest()[:8]}"


@cache
def _groups() -> dict[str, tuple[Triple, Triple]]:
    """Category and type by the meaning of the type, in small letters; the first group that has it counts."""
    found: dict[str, tuple[Triple, Triple]] = {}
    for number, category in _GROUPS.items():
        for code in getattr(_dictionary(), f"cid{number}").concepts.values():
            found.setdefault(code.meaning.casefold(), (_category(category), _code(code)))
    return found


def _category(name: str) -> Triple:
    return _code(getattr(_dictionary().cid7150, name))


def _code(code: Code) -> Triple:
    return code.value, code.scheme_designator, code.meaning


def _dictionary() -> Any:
    """All codes of PS3.16 that pydicom knows."""
    try:
        from pydicom.sr.codedict import codes
    except ImportError as error:
        raise missing_extra("DICOM exports need pydicom", "dicom") from error
    return codes
