"""Clips, augmentation, prompt simulation, losses and the loop."""
