"""From curated and check results to what people outside the platform open."""
