"""One module per revision. A released one never changes."""
