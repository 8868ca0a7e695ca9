"""One folder for each outside system or protocol; connectors never import one another."""
