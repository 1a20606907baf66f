"""The scanner against a labelled repository: what it finds, and what it rightly leaves alone."""

import pytest

from scan_corpus import HARMLESS, LEAKS, Chance, corpus, score_us
from tables import each_row


@pytest.fixture(scope="module")
def score(engine):
    return score_us(range(1, 4), engine)


def test_the_corpus_has_enough_of_everything():
    files = corpus(1).values()
    clean = [file for file in files if not file.leaks]
    assert len({kind for file in files for kind in file.leaks.values()}) >= 25
    assert sum(len(file.leaks) for file in files) > 80
    assert len(clean) > 80
    assert {path: file.data for path, file in corpus(1).items()} == {
        path: file.data for path, file in corpus(1).items()
    }
    assert corpus(1).keys() != corpus(2).keys()


def test_recall(score):
    assert score.recall >= 0.97, score.missed[:10]


def test_precision(score):
    assert score.precision >= 0.97, score.mistaken[:10]


def test_no_kind_is_missed(score):
    assert {kind: found / there for kind, (there, found) in score.kinds.items() if found < 0.9 * there} == {}


@each_row("maker", dict.fromkeys(HARMLESS), ids=lambda maker: maker.__name__)
def test_harmless_files_look_like_leaks_to_somebody(maker):
    """Each has what scanners trip over: a name, ciphertext, or something random."""
    made = maker(Chance(5), 5)
    text = b"".join(file.data for file in (made if isinstance(made, list) else [made])).lower()
    assert any(
        sign in text
        for sign in (
            b"secret",
            b"passw",
            b"encrypted file",
            b"token",
            b"enc[",
            b"begin certificate",
            b"sha",
            b"ssh-",
            b"h1:",
        )
    )


@each_row("maker", dict.fromkeys(LEAKS), ids=lambda maker: maker.__name__)
def test_leaks_say_where_they_are(maker):
    made = maker(Chance(6), 6)
    files = made if isinstance(made, list) else [made]
    assert any(file.leaks for file in files)
    assert all(0 < line <= len(file.lines) for file in files for line in file.leaks)
