"""What pictures hold in memory, and the places of their data."""

from __future__ import annotations

from tornado_stream.values.pictures import PIECE, PictureData, Room, with_pictures


def test_what_does_not_fit_into_the_room_is_dropped() -> None:
    room = Room(100)
    first, second = PictureData(room), PictureData(room)
    first.add(b"a" * 60)
    second.add(b"b" * 60)
    assert (first.whole, second.whole, room.free) == (True, False, 40)
    del first
    assert room.free == 100 and second.size == 60


def test_small_pieces_are_joined() -> None:
    data = PictureData(Room())
    for _ in range(100):
        data.add(b"a" * 1000)
    assert len(data.pieces) == 2 and len(data.pieces[0]) >= PIECE
    assert b"".join(data.pieces) == b"a" * 100_000


def test_the_data_take_the_places_of_their_marks() -> None:
    one, two = PictureData(Room()), PictureData(Room())
    one.add(b"1")
    two.add(b"2")
    cut = {b"<two>": two, b"<one>": one, b"<other>": one}
    assert b"".join(with_pictures(b"a<one>b<two>c", cut)) == b"a1b2c"
    assert list(cut) == [b"<other>"]
