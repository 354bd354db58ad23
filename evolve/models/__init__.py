"""Language models: one, several as one, and what they may take."""
