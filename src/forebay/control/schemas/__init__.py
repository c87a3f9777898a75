"""Schema Registry: tenant schemas, classes, field groups, data types and descriptors."""
