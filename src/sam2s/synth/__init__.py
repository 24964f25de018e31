"""Procedural surgical scenes with exact masks."""
