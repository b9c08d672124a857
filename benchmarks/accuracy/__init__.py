"""How much of what documents say the embedded model finds, and whether what it says is right."""
