"""SAM2S: click once in a surgical video, get the mask in every frame."""
