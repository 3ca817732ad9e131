"""Arrays in, arrays out: numpy and scipy only; no tables, no geometry, no maps."""
