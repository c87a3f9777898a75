"""Base connections of Flow Service; a streaming one owns an inlet."""
