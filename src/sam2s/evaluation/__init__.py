"""J, F, protocols, reports."""
