"""The memory and the network name temporal slots alike, though neither imports the other."""

from sam2s.memory.entry import CONDITIONING_SLOT, LONG_TERM_SLOT
from sam2s.model import LONG_TERM_SLOT as NETWORK_LONG_TERM_SLOT
from sam2s.model import preset


def test_slots_agree():
    assert LONG_TERM_SLOT == NETWORK_LONG_TERM_SLOT
    assert preset("micro").num_maskmem - 1 == CONDITIONING_SLOT
