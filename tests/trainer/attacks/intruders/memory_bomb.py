"""Takes all memory."""

held = []
while True:
    held.append(bytearray(b"x" * 10_000_000))
