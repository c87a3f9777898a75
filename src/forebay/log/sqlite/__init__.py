"""
The log on one machine: SQLite files, one directory per partition.

Read `partition` first (what is on disk and in which order it gets there), then `writer` (how
an event loop uses it) and `reader`.
"""

from forebay.log.sqlite.reader import SqliteLogReader
from forebay.log.sqlite.writer import SqliteLogWriter, WriterOptions

__all__ = ["SqliteLogReader", "SqliteLogWriter", "WriterOptions"]
