"""What setters do to rows, one module for each kind."""
