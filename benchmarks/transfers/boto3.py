"""boto3 as it comes, which moves 8 MiB at a time over ten connections and checks a CRC-32 of each upload."""

from __future__ import annotations

from pathlib import Path

import boto3
from botocore import UNSIGNED
from botocore.config import Config

BUCKET, LARGE = "bucket", "large.bin"


class Client:
    """One client that signs nothing, which would cost it another digest without TLS."""

    def __init__(self, url: str, offer: str, folder: Path) -> None:
        config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
        self._client = boto3.client("s3", endpoint_url=f"{url}/{offer}/v1", region_name="us-east-1", config=config)
        self._large = folder / "large.bin"
        self._new = folder / "new"

    def warm(self) -> None:
        self._client.put_object(Bucket=BUCKET, Key=LARGE, Body=b"warm")
        self._client.get_object(Bucket=BUCKET, Key=LARGE, Range="bytes=0-99")["Body"].read()

    def download(self) -> int:
        self._client.download_file(BUCKET, LARGE, str(self._new))
        return self._new.stat().st_size

    def upload(self) -> int:
        self._client.upload_file(str(self._large), BUCKET, LARGE)
        return self._large.stat().st_size

    def close(self) -> None:
        self._client.close()
