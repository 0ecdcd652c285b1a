"""Its versions."""
