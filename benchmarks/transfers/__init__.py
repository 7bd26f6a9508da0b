"""Files on their way: this client beside curl and plain httpx, against a server that is much faster than any of them."""
