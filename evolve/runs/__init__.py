"""A run on disk: made, opened, told again, drawn."""
