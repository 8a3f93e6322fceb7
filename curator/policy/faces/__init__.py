"""What decides about faces in head scans: rules/faces read."""
