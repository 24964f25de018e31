"""Tracker (streaming) and VideoSession (any frame, both directions, corrections)."""
