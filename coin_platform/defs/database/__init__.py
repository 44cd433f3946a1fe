"""From the API into PostgreSQL."""
