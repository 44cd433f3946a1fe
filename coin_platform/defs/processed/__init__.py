"""From the change log to typed, deduplicated tables."""
