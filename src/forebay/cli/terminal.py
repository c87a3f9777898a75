"""What others wrote, shown on a terminal."""


def printable(text: str, *, kept: str = "") -> str:
    """Return a text that cannot move the cursor, whatever it holds; `kept` stays as it is."""
    return "".join(c if c.isprintable() or c in kept else f"\\x{ord(c):02x}" for c in text)
