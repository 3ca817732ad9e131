"""Effects on the outcome's own scale, from a design and a fit."""
