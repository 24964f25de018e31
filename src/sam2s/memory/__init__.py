"""What an object remembers: the memory bank and the DiveMem filter; no network."""

from .bank import MemoryBank
from .divemem import DiveMemFilter, similarity
from .entry import MemoryEntry, Recall
from .policy import MemoryPolicy

__all__ = ["DiveMemFilter", "MemoryBank", "MemoryEntry", "MemoryPolicy", "Recall", "similarity"]
