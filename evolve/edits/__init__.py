"""A model's reply, and the edit of a genome that it asks for."""
