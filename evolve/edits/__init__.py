"""A language model's reply, and the edit of a genome that it asks for."""

from evolve.edits.cut_replies import is_on_track
from evolve.edits.edit import Edit, read_reply
from evolve.edits.mismatch import EditError

__all__ = ["Edit", "EditError", "is_on_track", "read_reply"]
