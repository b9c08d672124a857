"""The same watcher over a folder and over a bucket: whatever happens, each content is read once."""

import asyncio
from pathlib import Path

import pytest
from tests.buckets import Bucket, S3Server
from tests.watch.conftest import MakePost, Post


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest, s3_server: S3Server, tmp_path: Path, post: MakePost
) -> "Place":
    """What is watched, once on disk and once over the wire."""
    if request.param == "folder":
        place = Place(tmp_path / "lab", str(tmp_path / "lab/incoming"), post)
        (place.folder / "incoming").mkdir(parents=True)
        return place
    bucket: Bucket = request.getfixturevalue("bucket")
    return BucketPlace(bucket, post)


class Place:
    """`incoming`, and what a watcher puts beside it."""

    def __init__(self, folder: Path, address: str, post: MakePost) -> None:
        self.folder = folder
        self._address = address
        self._post = post

    def post(self, **watch: object) -> Post:
        """Somebody who watches it."""
        return self._post(path=self._address, **watch)

    def put(self, name: str, content: bytes) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def drop(self, **files: bytes) -> None:
        """Put files into `incoming`; `__` stands for a `/`."""
        for name, content in files.items():
            self.put(f"incoming/{name.replace('__', '/')}", content)

    def names(self, below: str) -> list[str]:
        """Files below a folder, without that of the drop."""
        base = self.folder / below
        found = (path.relative_to(base) for path in base.rglob("*") if path.is_file())
        return sorted("/".join(path.parts[1:]) for path in found)


class BucketPlace(Place):
    """The same, over the wire."""

    def __init__(self, bucket: Bucket, post: MakePost) -> None:
        super().__init__(bucket.folder, f"{bucket.address}/incoming/", post)
        self.put = bucket.put


def test_a_drop_is_delivered_and_put_away(place: Place) -> None:
    """Report, good documents and bad ones each have their place; nothing stays in `incoming`."""
    place.drop(box__good=b"1", box__worse=b"bad")
    post = place.post()
    post.once()
    assert post.ran.drops == [["box/good", "box/worse"]]
    assert place.names("reports") == ["report.md"]
    assert place.names("done") == ["box/good"]
    assert place.names("quarantine") == ["box/worse", "box/worse.txt"]
    assert list((place.folder / "incoming").rglob("*")) == []


def test_the_same_content_is_read_once_whatever_it_is_called(place: Place) -> None:
    """Renamed, uploaded again, and after a restart; what failed may come again."""
    place.drop(a=b"1", b=b"bad")
    post = place.post()
    post.once()
    place.drop(again=b"1", b=b"bad", c=b"2")
    post.once()
    assert sorted(post.ran.contents) == [b"1", b"2", b"bad", b"bad"]
    assert (place.folder / "done/again/again").read_bytes() == b"1"


@pytest.mark.parametrize("after", ["mark", "leave"])
def test_documents_may_stay_where_they_are(place: Place, after: str) -> None:
    """Then neither a round nor a restart reads them again, whether they were good or not."""
    place.drop(a=b"1", b=b"bad")
    post = place.post(after=after)
    post.once()
    post.once()
    place.drop(a=b"changed")
    post.once()
    assert post.ran.contents == [b"1", b"bad", b"changed"]
    assert sorted(path.name for path in (place.folder / "incoming").iterdir()) == ["a", "b"]
    assert place.names("done") == (["a.txt", "a.txt"] if after == "mark" else [])


def test_what_is_overwritten_while_it_is_processed_is_processed_too(place: Place) -> None:
    """The new content is never taken for the one that was read; both are kept."""
    place.drop(a=b"first")
    post = place.post()
    post.ran.before = lambda _: place.drop(a=b"second")
    post.once()
    post.ran.before = lambda _: None
    post.once()
    assert post.ran.contents == [b"first", b"second"]
    done = [path.read_bytes() for path in sorted((place.folder / "done").rglob("a"))]
    assert sorted(done) == [b"first", b"second"]


def test_two_watchers_share_the_work(place: Place) -> None:
    """They look at the same moment; every content is read by one of them."""
    names = {f"f{number}": str(number).encode() for number in range(6)}
    place.drop(**names)
    posts = [place.post(), place.post()]

    async def both() -> None:
        await asyncio.gather(*(post.watcher().once() for post in posts))

    asyncio.run(both())
    assert sorted(posts[0].ran.contents + posts[1].ran.contents) == sorted(names.values())
    assert place.names("done") == sorted(names)
