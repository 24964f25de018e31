"""The annotation app: a server of pages and an API over workspaces, and the process that tracks beside it."""
