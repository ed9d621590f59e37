"""What is measured. Each module prints one JSON line per measurement."""
