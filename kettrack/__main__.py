"""`python -m kettrack` is the same as `kettrack`."""

from kettrack.cli import main

if __name__ == "__main__":
    main()
