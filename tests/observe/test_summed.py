"""The metrics of several processes as one text."""

from __future__ import annotations

import re

import pytest

from tornado_stream.observe.metrics import Metrics
from tornado_stream.observe.summed import summed


@pytest.mark.gen_test
async def test_counters_are_added_and_states_are_not():
    one, two = Metrics(), Metrics()
    one.request_ended("/stream", 200)
    two.request_ended("/stream", 200)
    two.request_ended("/", 404)
    for metrics, live, damaged in ((one, 3, 0), (two, 4, 1)):
        metrics.commits.observe(0.002)
        metrics.gauge("live_answers", "Answers.", lambda live=live: live)
        metrics.gauge("database_damaged", "Damage.", lambda damaged=damaged: damaged)
    texts = [one.text().decode(), two.text().decode()]
    lines = (text := summed(texts)).splitlines()
    assert 'tornado_stream_http_requests_total{route="stream",status="200"} 2.0' in lines
    assert 'tornado_stream_http_requests_total{route="page",status="404"} 1.0' in lines
    assert "tornado_stream_live_answers 7.0" in lines
    assert "tornado_stream_database_damaged 1.0" in lines
    assert "tornado_stream_commit_seconds_count 2.0" in lines
    assert 'tornado_stream_commit_seconds_bucket{le="0.0025"} 2.0' in lines
    started = re.findall(r"^process_start_time_seconds (.*)$", "\n".join(texts), re.M)
    assert f"process_start_time_seconds {started[0]}" in lines
    assert summed([text]) == text
    for kind in ("HELP", "TYPE"):
        heads = [line.split(" ")[2] for line in lines if line.startswith(f"# {kind}")]
        assert len(heads) == len(set(heads))
    one.close()
    two.close()
