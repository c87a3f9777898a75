"""The composition root: settings, wiring, roles, supervisor. It alone knows every adapter."""
