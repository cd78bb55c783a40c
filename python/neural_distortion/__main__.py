"""``python -m neural_distortion`` is ``neural-distortion``."""

from neural_distortion.cli import main

if __name__ == "__main__":
    main()
