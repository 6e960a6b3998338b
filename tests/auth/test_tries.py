"""How often a client may try to log in."""

from __future__ import annotations

import pytest

from tornado_stream.auth.tries import TooManyTries, Tries, network
from tornado_stream.values.tries import FORGIVEN, TryLimit


class Clock:
    time = 1e6

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


def wait_of(tries: Tries, key: str) -> int:
    with pytest.raises(TooManyTries) as caught:
        tries.check(key)
    assert caught.value.code == "too_many_tries" and caught.value.status == 429
    return caught.value.details["retry_after"]


def test_five_are_free_then_waits_double(clock):
    tries = Tries(TryLimit(5, 60), clock)
    for _ in range(5):
        tries.check("a")
        tries.count("a")
    waits = []
    for _ in range(8):
        waits.append(wait_of(tries, "a"))
        clock.time += waits[-1] - 0.5
        assert wait_of(tries, "a") == 1
        clock.time += 0.5
        tries.check("a")
        tries.count("a")
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    tries.check("b")


def test_a_try_that_comes_too_early_is_not_counted(clock):
    tries = Tries(TryLimit(1, 60), clock)
    tries.count("a")
    for _ in range(100):
        assert wait_of(tries, "a") == 1
    clock.time += 1
    tries.check("a")


def test_a_success_resets_the_count_and_so_does_time(clock):
    tries = Tries(TryLimit(1, 60), clock)
    tries.count("a")
    tries.forget("a")
    tries.forget("a")
    tries.check("a")
    for _ in range(1000):
        tries.count("a")
    assert wait_of(tries, "a") == 60
    clock.time += 60 + FORGIVEN + 1
    tries.count("a")
    assert wait_of(tries, "a") == 1


def test_a_bounded_number_of_keys_is_remembered(clock):
    tries = Tries(TryLimit(1, 60), clock, max_keys=100)
    for number in range(1000):
        tries.count("a")
        tries.count(str(number))
    assert len(tries._known) == 100
    assert wait_of(tries, "a") == 60, "a key that is still used is not forgotten"


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("2001:db8::1", "2001:db8:0:0:ffff::2"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ],
)
def test_addresses_with_one_key(address, same):
    assert network(address) == network(same)


def test_addresses_with_different_keys():
    assert network("2001:db8::1") != network("2001:db8:0:1::1")
    assert network("10.0.0.1") != network("10.0.0.2")
    assert network("") == ""
