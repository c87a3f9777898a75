"""The limits of the platform, in one place; those that AEP publishes carry its figure."""

REQUEST_BYTES_MAX = 1_048_576
"""Body of one collection request after decompression (AEP: 1 MB). More is a 413."""

HEADER_BYTES_MAX = 32_768
"""All request headers of one collection request together. More is a 431."""

JSON_DEPTH_MAX = 64
"""Nesting of arrays and objects in one message."""

VIOLATIONS_MAX = 5
"""Violations reported for one record on Adobe's paths (AEP stops after five)."""

SYNC_VALIDATION_PER_MINUTE = 60
"""Synchronous validations per inlet and minute (AEP's figure); 0 means no limit."""

BODY_SECONDS_MAX = 10.0
"""Time a client has to send the body of one collection request."""

APPEND_QUEUE_BYTES_MAX = 64 * 1_048_576
"""Bytes waiting for a group commit in one partition. Beyond it the answer is 503 NOT_STORED."""

SEGMENT_BYTES_MAX = 256 * 1_048_576
"""Size at which a log segment is closed and the next one begins."""

DISK_RESERVE_BYTES = 512 * 1_048_576
"""Free space below which nothing more is accepted (or 5 % of the disk, whichever is less)."""

PLATFORM_BODY_BYTES_MAX = 10 * 1_048_576
"""Body of one platform API request."""

PLATFORM_JSON_DEPTH_MAX = 200
"""Nesting of arrays and objects in one platform API request: twice what XDM itself needs."""

SCHEMA_FIELDS_MAX = 50_000
"""Fields of one composed schema. A schema with more is refused."""

VALIDATE_BODY_BYTES_MAX = 16 * 1_048_576
"""Body of one dry-run validation."""

VALIDATE_RECORDS_MAX = 100_000
"""Records in one dry-run validation."""
