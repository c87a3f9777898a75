"""Catalog: datasets, the named tables of the lake, each bound to a schema."""
