"""Shared by all tests: one thread and no gradients unless a test asks for them."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
torch.set_num_threads(1)
