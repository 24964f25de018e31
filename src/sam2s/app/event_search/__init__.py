"""Looking for events of a video, in a process of its own."""
