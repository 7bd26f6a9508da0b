"""Short programs that show the SDK at work; each runs against the bundled server or a real deployment."""
