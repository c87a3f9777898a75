"""Who may call: organizations, their API clients, and the keys that sign access tokens."""
