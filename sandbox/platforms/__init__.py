"""The platforms' own APIs, served from a simulated world on loopback."""
