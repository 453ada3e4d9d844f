"""How long replicas that met take turns."""

from read_service.adapters.turns import MOST_TURNS, Crowding


def turns_until_tried_without(crowding: Crowding) -> int:
    count = 0
    while crowding.left:
        crowding.passed()
        count += 1
    return count


def test_who_meets_nobody_takes_no_turn() -> None:
    crowding = Crowding()
    for _ in range(10):
        crowding.passed()
    assert crowding.left == 0


def test_who_meets_others_again_and_again_tries_less_and_less_often() -> None:
    crowding, counts = Crowding(), list[int]()
    for _ in range(9):
        crowding.met()
        counts.append(turns_until_tried_without(crowding))
    assert counts == [1, 2, 4, 8, 16, 32, MOST_TURNS, MOST_TURNS, MOST_TURNS]


def test_who_meets_others_rarely_takes_one_turn_each_time() -> None:
    crowding, counts = Crowding(), list[int]()
    for _ in range(5):
        crowding.met()
        counts.append(turns_until_tried_without(crowding))
        crowding.passed()
        crowding.passed()
    assert counts == [1] * 5


def test_a_turn_that_is_late_itself_changes_nothing() -> None:
    crowding = Crowding()
    crowding.met()
    crowding.met()
    assert turns_until_tried_without(crowding) == 1


def test_who_has_waited_in_vain_goes_on_without() -> None:
    crowding = Crowding()
    crowding.met()
    crowding.waited_in_vain()
    assert crowding.left == 0
