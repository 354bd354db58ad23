"""The loop that works on a run: devices, proposals, and what is reported."""
