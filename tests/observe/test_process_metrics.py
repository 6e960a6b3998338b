"""The metrics of the process are those that the Prometheus client library has."""

from __future__ import annotations

import sys

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector

from tornado_stream.observe import process_metrics


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_they_are_those_of_the_prometheus_client_library():
    families = list(ProcessCollector(registry=CollectorRegistry()).collect())
    readings = list(process_metrics.read())
    assert len(readings) == len(families) == 6
    for (name, type, help, value), family in zip(readings, families, strict=True):
        (sample,) = family.samples
        assert (name, type, help) == (sample.name, family.type, family.documentation)
        # Memory and CPU time can change between the two readings.
        assert value == pytest.approx(sample.value, rel=0.05, abs=1)


def test_there_are_none_where_the_kernel_does_not_tell_the_boot_time(tmp_path, monkeypatch):
    monkeypatch.setattr(process_metrics, "PROC", tmp_path)
    process_metrics._boot_time.cache_clear()
    assert list(process_metrics.read()) == []
    process_metrics._boot_time.cache_clear()


def test_a_process_without_proc_entries_has_none(tmp_path, monkeypatch):
    (tmp_path / "stat").write_bytes(b"cpu 1 2\nbtime 1700000000\n")
    monkeypatch.setattr(process_metrics, "PROC", tmp_path)
    process_metrics._boot_time.cache_clear()
    assert list(process_metrics.read()) == []
    process_metrics._boot_time.cache_clear()
