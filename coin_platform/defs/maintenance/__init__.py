"""What keeps tables and records small as hours pile up."""
