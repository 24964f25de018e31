"""What tests ask of a memory bank."""

from sam2s.memory import MemoryBank


def maps_held(bank: MemoryBank) -> int:
    """Distinct memory maps that a bank holds now."""
    entries = [*bank.conditioning.values(), *bank.recent.values(), *bank.long_term]
    filters = [bank.filter]
    if bank._before:
        entries += bank._before[0]
        filters.append(bank._before[1])
    entries += [f.best[0] for f in filters if f.best]
    return len({id(entry.map) for entry in entries if entry.map is not None})
