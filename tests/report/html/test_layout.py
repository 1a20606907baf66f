"""The drawing of a graph."""

import re

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.report.html.layout import HEIGHT, WIDTH, Drawing, draw


@st.composite
def graphs(drawing):
    size = drawing(st.integers(0, 14))
    return [drawing(st.lists(st.integers(0, size), max_size=4)) for _ in range(size)]


@given(graphs())
def test_each_box_has_a_place_of_its_own_to_the_right_of_what_it_waits_for(after):
    drawn = draw(after)
    for number, box in enumerate(drawn.boxes):
        assert 0 <= box.x <= drawn.width - WIDTH
        assert 0 <= box.y <= drawn.height - HEIGHT
        for other in drawn.boxes[:number]:
            assert box.x != other.x or abs(box.y - other.y) >= HEIGHT
        assert all(drawn.boxes[one].x + WIDTH < box.x for one in after[number] if one < number)


@given(graphs())
def test_edges_go_from_a_box_to_a_box(after):
    drawn = draw(after)
    starts = {(box.x + WIDTH, round(box.y + HEIGHT / 2)) for box in drawn.boxes}
    ends = {(box.x, round(box.y + HEIGHT / 2)) for box in drawn.boxes}
    for edge in drawn.edges:
        numbers = [int(each) for each in re.findall(r"\d+", edge)]
        assert any(abs(x - numbers[0]) <= 1 and abs(y - numbers[1]) <= 1 for x, y in starts)
        assert any(abs(x - numbers[-2]) <= 1 and abs(y - numbers[-1]) <= 1 for x, y in ends)


def test_what_another_edge_says_is_not_drawn():
    assert len(draw([[], [0], [0, 1]]).edges) == 2


def test_a_long_edge_passes_the_layers_between():
    drawn = draw([[], [0], [1], [0], [2, 3]])
    assert any(edge.count("C") == 2 for edge in drawn.edges)


def test_nothing_is_drawn_of_nothing():
    assert draw([]) == Drawing(0, 0, (), ())


def test_a_cycle_is_drawn_without_its_last_edge():
    assert len(draw([[1], [0]]).edges) == 1
