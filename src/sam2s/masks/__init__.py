"""Masks as data: RLE, palettes, overlays."""
