"""A package with its addenda is one series, and the verifier misses what is missing."""

from tests.evidence.handmade import (
    check,
    key_file,
    make,
    make_addendum,
)


def test_a_whole_series_of_addenda_passes(tmp_path):
    package = make(tmp_path)
    first = make_addendum(tmp_path, 1, before=package, first=package)
    second = make_addendum(tmp_path, 2, before=first, first=package)

    code, said = check(package, key_file(), addenda=[first, second])

    assert code == 0, said
    assert "PASS  Package and addenda are one series without a gap" in said


def test_an_addendum_that_was_dropped_is_missed(tmp_path):
    package = make(tmp_path)
    first = make_addendum(tmp_path, 1, before=package, first=package)
    second = make_addendum(tmp_path, 2, before=first, first=package)

    code, said = check(package, key_file(), addenda=[second])

    assert code == 50
    assert "addendum 1 is missing: in its place is campaign-1, number 2" in said


def test_an_addendum_that_was_replaced_is_named(tmp_path):
    package = make(tmp_path)
    first = make_addendum(tmp_path, 1, before=package, first=package)
    second = make_addendum(tmp_path, 2, before=first, first=package)
    other = make_addendum(tmp_path, 1, before=package, first=package, text="another story")

    code, said = check(package, key_file(), addenda=[other, second])

    assert code == 50
    assert "addendum 2 follows another than the one before it" in said


def test_an_addendum_of_another_package_is_named(tmp_path):
    package = make(tmp_path)
    other = make(tmp_path, campaign={"package": "campaign-9"}, name="other.zip")
    addendum = make_addendum(tmp_path, 1, before=other, first=other)

    code, said = check(package, key_file(), addenda=[addendum])

    assert code == 50
    assert "addendum 1 adds to another package" in said


def test_an_addendum_alone_says_what_it_needs(tmp_path):
    package = make(tmp_path)
    addendum = make_addendum(tmp_path, 1, before=package, first=package)

    code, said = check(addendum, key_file())

    assert code == 0, said
    assert "It is an addendum. Give its package" in said
