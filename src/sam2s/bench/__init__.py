"""Measuring speed and memory: stage by stage, and beside other implementations of SAM 2 on the same weights."""
