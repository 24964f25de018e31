"""The memory bank of an object and the DiveMem filter; no network."""

from .bank import MemoryBank
from .divemem import DiveMemFilter, similarity
from .entry import MemoryEntry, Recall
from .policy import MEMORIES, MemoryPolicy, memory_policy
from .search_rule import SearchRule

__all__ = [
    "MEMORIES",
    "DiveMemFilter",
    "MemoryBank",
    "MemoryEntry",
    "MemoryPolicy",
    "Recall",
    "SearchRule",
    "memory_policy",
    "similarity",
]
