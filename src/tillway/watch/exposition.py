"""Writes samples as Prometheus text, in the order and with the words of the table of metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from tillway.watch.metrics import METRICS, Metric
from tillway.watch.readings import Sample

CONTENT_TYPE = CONTENT_TYPE_LATEST


def prometheus_text(samples: Iterable[Sample]) -> bytes:
    """Return the text of a scrape. Raises KeyError for a sample that is not in the table."""
    grouped: defaultdict[str, list[Sample]] = defaultdict(list)
    for one in samples:
        grouped[METRICS[one.name].name].append(one)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told([_family(METRICS[name], grouped[name]) for name in METRICS]))
    return generate_latest(registry)


class _Told(Collector):
    """Hands families over that are made already."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        """Return them."""
        return self._families


def _family(metric: Metric, samples: Iterable[Sample]) -> Family:
    made: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
    if metric.kind == "histogram":
        made = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for one in samples:
            made.add_metric(one.labels, list(one.buckets), one.value)
        return made
    if metric.kind == "counter":
        made = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    else:
        made = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for one in samples:
        made.add_metric(one.labels, one.value)
    return made
