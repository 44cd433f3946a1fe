"""Where the lake's files are: a folder, or a bucket of S3. What differs between the two is here.

`options` are those of the `deltalake` package: `AWS_REGION`, `AWS_ENDPOINT_URL`, …; empty for a
folder. Credentials are in none of them: each library finds those of the process by itself.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

    from coin_platform.settings import Settings

ATTEMPTS = 6  # S3 asks to slow down, or fails for a moment


def is_local(uri: str) -> bool:
    return "://" not in uri


def options_of(settings: "Settings") -> dict[str, str]:
    """The options for the configured deployment."""
    if settings.env == "local":
        return {}
    return s3_options(str(settings.region), os.environ)


def s3_options(region: str, environment: Mapping[str, str]) -> dict[str, str]:
    """S3 in a region, or wherever `AWS_ENDPOINT_URL` says it is."""
    options = {"AWS_REGION": region}
    url = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    if url:
        options["AWS_ENDPOINT_URL"] = url
        options["AWS_ALLOW_HTTP"] = str(url.startswith("http://")).lower()
    return options


def open_filesystem(uri: str, options: Mapping[str, str]) -> "tuple[FileSystem, str]":
    """The file system and the path in it that a URI, or a path, names."""
    from pyarrow.fs import LocalFileSystem

    if is_local(uri):
        return LocalFileSystem(), uri
    return s3(options.get("AWS_REGION"), options.get("AWS_ENDPOINT_URL")), uri.partition("://")[2]


@cache
def s3(region: str | None, endpoint: str | None) -> "FileSystem":
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    return S3FileSystem(
        region=region,
        endpoint_override=endpoint,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )


def objects_after(uri: str, first: str, options: Mapping[str, str]) -> Iterator[str]:
    """The paths of the objects below a URI whose names come after `first`, as `bucket/key`.

    S3 lists from there on, so that what is older costs nothing.
    """
    from coin_platform.resources.aws.errors import explained
    from coin_platform.resources.aws.session import client_in

    bucket, _, key = uri.partition("://")[2].partition("/")
    prefix = f"{key.rstrip('/')}/"
    with explained(f"listing {uri}"):
        client = client_in(options.get("AWS_REGION"), "s3")
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, StartAfter=prefix + first
        )
        for page in pages:
            for found in page.get("Contents", ()):
                yield f"{bucket}/{found['Key']}"
