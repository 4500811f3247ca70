"""The tables stay bounded, and time heals."""

from earshot.web.limits import Lockout, RateLimit, Rooms

from .conftest import Clock


def test_ten_thousand_addresses_do_not_grow_the_tables() -> None:
    clock = Clock()
    rate = RateLimit(burst=2, per_s=1, addresses_max=100, clock=clock)
    lockout = Lockout(wrong_max=1, first_s=10, max_s=100, addresses_max=100, clock=clock)
    for i in range(10_000):
        address = f"10.0.{i >> 8}.{i & 255}"
        assert rate.take(address) == 0
        assert lockout.wait_s(address) == 0
        assert lockout.failed(address) == 10
    assert (len(rate), len(lockout)) == (100, 100)


def test_what_is_used_is_kept() -> None:
    clock = Clock()
    rate = RateLimit(burst=2, per_s=1, addresses_max=3, clock=clock)
    for other in "abcdefgh":
        rate.take("busy")
        rate.take(other)
    assert rate.take("busy") == 1


def test_bucket() -> None:
    clock = Clock()
    rate = RateLimit(burst=3, per_s=0.5, addresses_max=10, clock=clock)
    assert [rate.take("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    clock.now += 1.9
    assert rate.take("a") == 1
    clock.now += 0.1
    assert [rate.take("a") for _ in range(2)] == [0, 2]
    clock.now += 1e6
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 2], "no more than the bucket holds"


def test_lockouts_double_up_to_a_bound_and_are_forgotten() -> None:
    clock = Clock()
    lockout = Lockout(wrong_max=2, first_s=10, max_s=50, addresses_max=10, clock=clock)

    def locked() -> int:
        lockout.failed("a")
        wait_s = lockout.failed("a")
        clock.now += wait_s
        return wait_s

    assert [locked() for _ in range(5)] == [10, 20, 40, 50, 50]
    assert lockout.wait_s("a") == 0
    clock.now += 51
    assert locked() == 10


def test_a_room_is_its_first_callers_for_a_calls_time() -> None:
    clock = Clock()
    rooms = Rooms(keep_s=100, rooms_max=3, clock=clock)
    assert rooms.claim("kitchen", "a")
    assert not rooms.claim("kitchen", "b")
    clock.now += 60
    assert rooms.claim("kitchen", "a"), "after a reload, for another call's time"
    clock.now += 60
    assert not rooms.claim("kitchen", "b")
    clock.now += 40
    assert rooms.claim("kitchen", "b")


def test_a_full_table_of_rooms_evicts_no_living_claim() -> None:
    clock = Clock()
    rooms = Rooms(keep_s=100, rooms_max=3, clock=clock)
    assert rooms.claim("kitchen", "a")
    assert [rooms.claim(f"room {i}", "b") for i in range(1000)] == [True, True] + [False] * 998
    assert not rooms.claim("kitchen", "b")
    assert len(rooms) == 3
    clock.now += 100
    assert rooms.claim("hall", "c")
    assert len(rooms) == 1
