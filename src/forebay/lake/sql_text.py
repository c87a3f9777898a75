"""Names and texts as SQL writes them."""


def quoted(name: str) -> str:
    """Return a name as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a DuckDB string literal."""
    return "'" + text.replace("'", "''") + "'"
