"""How a CLS token is compared with the text bank."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LOGIT_SCALE = 100.0
"""The cosine is multiplied by this, as OVSeg's code does; the division in SAM2S Eq. 3 would leave no gradient."""


def category_logits(cls: Tensor, bank: Tensor) -> Tensor:
    """Projected CLS tokens [B, D] and text features [K, D] -> float32 [B, K]: 100 times the cosine (SAM2S Eq. 3)."""
    with torch.autocast(cls.device.type, enabled=False):  # half precision would err by half a logit
        return LOGIT_SCALE * F.normalize(cls.float(), dim=-1) @ F.normalize(bank.float(), dim=-1).T
