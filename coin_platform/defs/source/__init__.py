"""The API, outside the platform."""
