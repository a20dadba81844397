"""The pure core: types, decisions and statistics. No client, clock, file, environment or randomness."""
