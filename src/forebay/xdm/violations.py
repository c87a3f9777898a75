"""Broken rules as values, in the tree shape AEP prints (flow-and-collection, 16.2)."""

from typing import Any

import msgspec


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A broken rule, or (without `keyword`, or with a combining one) a group of them."""

    schema_location: str
    """Pointer into the schema: ``#/properties/_id``."""
    pointer: str
    """Pointer to the offending data: ``#/_id``."""
    keyword: str | None
    """The violated keyword; None on a plain group."""
    message: str
    causes: tuple["Violation", ...] = ()

    def leaves(self) -> list["Violation"]:
        """Return the single violations of this tree, in order."""
        if not self.causes:
            return [self]
        return [leaf for cause in self.causes for leaf in cause.leaves()]

    def tree(self) -> dict[str, Any]:
        """Return the wire form: members and order as AEP prints them."""
        node: dict[str, Any] = {
            "schemaLocation": self.schema_location,
            "pointerToViolation": self.pointer,
            "causingExceptions": [cause.tree() for cause in self.causes],
        }
        if self.keyword is not None:
            node["keyword"] = self.keyword
        node["message"] = self.message
        return node
