"""Forebay: streaming ingestion that speaks Adobe Experience Platform's own APIs."""

__version__ = "0.1.0"
