"""A seeded simulation of the quality gate, of the rules that people use instead, and of what breaks a gate."""
