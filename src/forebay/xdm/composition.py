"""Composition of a schema: class, field groups and data types become one tree of fields."""
