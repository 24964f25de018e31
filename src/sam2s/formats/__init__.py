"""Reading prompts and keeping masks: the workspace, and adapters to the formats of others."""
