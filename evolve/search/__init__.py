"""The search itself: who becomes a parent, by which operator, and what a result means."""
