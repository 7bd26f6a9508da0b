"""What the APIs return, as typed objects: one noun a file."""
