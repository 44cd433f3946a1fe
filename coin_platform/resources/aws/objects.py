"""Files in a bucket, by name: what a page or an export is published with."""

import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coin_platform.resources.aws.errors import explained, unless
from coin_platform.resources.aws.session import client

if TYPE_CHECKING:
    from coin_platform.settings import Settings

AT_ONCE = 16
MISSING = {"NoSuchKey", "404", "NotFound"}
BATCH = 1_000  # that one call deletes


def content_of(s3: Any, bucket: str, key: str) -> bytes | None:
    """The content of an object; None where there is none."""
    with explained(f"reading s3://{bucket}/{key}"):
        answer = unless(MISSING, s3.get_object, Bucket=bucket, Key=key)
        content: bytes | None = answer and answer["Body"].read()
        return content


class Objects:
    """The objects below `s3://bucket/prefix`; names are what comes after that."""

    def __init__(self, settings: "Settings", uri: str) -> None:
        self.uri = uri.rstrip("/")
        self._settings = settings
        self._bucket, _, prefix = self.uri.partition("://")[2].partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    def _s3(self) -> Any:
        return client(self._settings, "s3")

    def names(self, below: str = "") -> Iterator[str]:
        """The names that begin so, in order."""
        with explained(f"listing {self.uri}/{below}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + below
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"][len(self._prefix) :]

    def folders(self, below: str) -> list[str]:
        """The folders directly below one, by their last name."""
        start = f"{self._prefix}{below.rstrip('/')}/"
        with explained(f"listing {self.uri}/{below}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=start, Delimiter="/"
            )
            return [
                found["Prefix"][len(start) :].rstrip("/")
                for page in pages
                for found in page.get("CommonPrefixes", ())
            ]

    def get(self, name: str) -> bytes | None:
        """The content; None where there is no such object."""
        return content_of(self._s3, self._bucket, self._prefix + name)

    def put(self, name: str, content: bytes) -> None:
        """Make this the content of an object, whole or not at all."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with explained(f"writing {self.uri}/{name}"):
            self._s3.put_object(
                Bucket=self._bucket, Key=self._prefix + name, Body=content, ContentType=kind
            )

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that are not there are no matter."""
        keys = [{"Key": self._prefix + name} for name in names]
        with explained(f"deleting below {self.uri}"):
            for start in range(0, len(keys), BATCH):
                self._s3.delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": keys[start : start + BATCH], "Quiet": True},
                )

    def upload(self, files: Mapping[str, Path]) -> None:
        """Write files under their names, many at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda name: self.put(name, files[name].read_bytes()), files))

    def download(self, files: Mapping[str, Path]) -> list[str]:
        """Fetch objects into files, many at once; the names of those that are not there."""

        def fetch(name: str) -> bool:
            content = self.get(name)
            if content is not None:
                files[name].parent.mkdir(parents=True, exist_ok=True)
                files[name].write_bytes(content)
            return content is not None

        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(fetch, files))
        return [name for name, there in zip(files, found, strict=True) if not there]
