"""Speed, measured beside a floor of the same run: `python -m bench`."""
