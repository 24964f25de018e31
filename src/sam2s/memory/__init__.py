"""What an object remembers: the memory bank and the DiveMem filter; no network."""
