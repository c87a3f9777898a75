"""The control plane: organizations, sandboxes, connections, schemas, datasets."""
