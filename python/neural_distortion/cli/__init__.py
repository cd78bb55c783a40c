"""The command ``neural-distortion``."""
