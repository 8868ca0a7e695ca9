"""Shipped to connector authors: conformance suites, examples and fakes. Hub code never imports it."""
