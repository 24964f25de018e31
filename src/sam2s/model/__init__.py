"""The network: nn.Modules, tensors in and out; no files, no video, no state between calls."""
