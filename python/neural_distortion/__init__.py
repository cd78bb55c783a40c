"""Neural models of guitar distortion."""
