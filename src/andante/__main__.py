"""``python -m andante`` is the command line."""

from andante.cli.main import main

if __name__ == "__main__":
    main()
