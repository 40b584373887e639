"""What the passport says, and how `verify` holds it against records, files and models."""
