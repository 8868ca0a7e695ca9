"""Shipped to connector authors: conformance suites, examples, fakes. Hub code never imports it."""
