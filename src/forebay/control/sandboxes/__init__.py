"""Sandboxes: the isolated partitions of an organization."""
