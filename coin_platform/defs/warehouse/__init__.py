"""From curated to the warehouse, where the deployment has one."""
