import os
from pathlib import Path

import pytest
from earshot.errors import DocumentsError
from earshot.tools.documents import Documents, cut, index_path

GUIDE = """# Visitor guide

## Parking

Visitors park in the garage behind the building. Ask for a *ticket* at the desk.

## Lunch

Lunch is served in the kitchen at noon.
"""


def pdf(text: str) -> bytes:
    """A PDF of one page with one line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for i, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i, body)
    table = b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, len(out))
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "visitor_guide.md").write_text(GUIDE)
    (folder / "sub" / "wifi.txt").write_text("The wifi password is on the blue card.")
    (folder / "first-aid.pdf").write_bytes(pdf("The first aid box hangs beside the lift."))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nonsense")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    return folder


@pytest.fixture
def documents(folder: Path, tmp_path: Path) -> Documents:
    documents = Documents(folder, index_path(folder, tmp_path / "state"))
    documents.refresh()
    return documents


@pytest.mark.parametrize(
    ("query", "text", "source"),
    [
        ("parking", "Visitors park in the garage behind the building.", "visitor guide"),
        ("Where is lunch served?", "Lunch is served in the kitchen at noon.", "visitor guide"),
        ("the wifi password", "The wifi password is on the blue card.", "wifi"),
        ("first aid boxes", "The first aid box hangs beside the lift.", "first aid"),
    ],
)
def test_answers_name_their_source(
    documents: Documents, query: str, text: str, source: str
) -> None:
    found = documents.search(query)[0]
    assert found.text.startswith(text)
    assert found.source == source


@pytest.mark.parametrize("query", ["the dragon", "what is the", "", 'a" OR b*', "NEAR(", "; DROP"])
def test_nothing_is_found(documents: Documents, query: str) -> None:
    assert documents.search(query) == []


def test_the_index_follows_the_files(documents: Documents, folder: Path) -> None:
    guide = folder / "visitor_guide.md"
    guide.write_text("Visitors park on the roof now.")
    os.utime(guide, ns=(1, 1))
    (folder / "sub" / "wifi.txt").unlink()
    assert documents.refresh() == 3
    assert documents.search("parking")[0].text == "Visitors park on the roof now."
    assert documents.search("wifi") == []


def test_long_paragraphs_are_cut_at_sentences() -> None:
    sentence = "This is a sentence of some length that says very little. "
    passages = [text for _, text in cut(sentence * 20)]
    assert len(passages) > 2
    assert all(p.endswith("little.") for p in passages)
    assert " ".join(passages) == (sentence * 20).strip()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentsError, match=r"documents\.folder: .*nowhere is not a folder"):
        Documents(tmp_path / "nowhere", tmp_path / "index.sqlite")
