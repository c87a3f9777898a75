"""Experience Data Model: composition of schemas and validation of records. Pure, no I/O."""
