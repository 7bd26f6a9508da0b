"""How a call happens; knows no endpoint."""
