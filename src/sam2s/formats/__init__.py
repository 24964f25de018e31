"""Reading prompts and keeping masks: the run folder, and adapters to the formats of others."""
