"""``python -m proving_ground``."""

from proving_ground.cli import main

if __name__ == "__main__":
    main()
