"""Adapters at the edge: DAVIS, COCO, CSV."""
