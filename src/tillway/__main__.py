"""`python -m tillway` is the `tillway` command."""

from tillway.cli import main

if __name__ == "__main__":
    main()
