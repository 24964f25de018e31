"""The tracking process beside the server; the workspace is all that they share, notices go through a pipe."""
