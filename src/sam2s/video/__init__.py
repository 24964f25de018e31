"""Where frames come from and where overlay videos go."""
