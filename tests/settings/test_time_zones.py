"""The zones that a setting may name are the zones that decisions can be taken in."""

from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st

from andante.settings import time_zones
from andante.zones import table

ALL = files("tzdata").joinpath("zones").read_text("utf-8").splitlines()


def test_settings_and_the_table_of_zones_know_the_same_names():
    assert len(ALL) > 500
    assert all(time_zones.known(name) and table.known(name) for name in ALL)


@given(name=st.text(max_size=12) | st.sampled_from(["Mars/Phobos", "utc", "Asia", "", "../UTC", "Asia/shanghai"]))
def test_settings_and_the_table_of_zones_refuse_the_same_names(name):
    assert time_zones.known(name) == table.known(name) == (name in ALL)


def test_a_zone_in_small_letters_is_told_its_own_name():
    assert [name for name in ALL if time_zones.nearest(name.lower()) not in _namesakes(name)] == []


def _namesakes(name):
    """Cities that some zones are called after twice, such as America/Louisville and America/Kentucky/Louisville."""
    return [other for other in ALL if other.rpartition("/")[2] == name.rpartition("/")[2]]


@given(name=st.text(max_size=20))
def test_what_is_suggested_is_a_zone(name):
    near = time_zones.nearest(name)
    assert near is None or time_zones.known(near)
