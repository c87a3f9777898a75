"""What every package may use and what itself uses none: ids, clock, limits, errors, JSON, files."""
