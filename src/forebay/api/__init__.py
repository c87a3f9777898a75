"""The platform API: Adobe's paths, one module per service."""
