"""Plays `spark-submit` for the doubles of EMR: a Spark (Sail) in this process, then the script.

Runs with the archive of the platform as its only source of `coin_platform`.
"""

import os
import runpy
import sys

ARCHIVE, SCRIPT = sys.argv[1:3]


def start_spark() -> object:
    """Sail, which stops when nobody holds it any longer."""
    import coin_platform

    if not coin_platform.__file__.startswith(ARCHIVE):
        sys.exit(f"{coin_platform.__file__} is not of the archive {ARCHIVE}")
    from pysail.spark import SparkConnectServer

    from coin_platform.resources.engine.sail import configuration

    for name, value in configuration().items():
        os.environ.setdefault(name, value)
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    os.environ["SPARK_REMOTE"] = f"sc://{host}:{port}"
    return server


def drop_messages() -> None:
    """Lose every message of Pipes, as a script without the right to write them would."""
    import dagster_pipes

    def lose(*_: object) -> None:
        pass

    dagster_pipes.PipesS3MessageWriterChannel.upload_messages_chunk = lose


if __name__ == "__main__":
    spark = start_spark()
    if os.environ.get("BOX_WITHOUT_MESSAGES"):
        drop_messages()
    sys.argv = [SCRIPT, *sys.argv[3:]]
    sys.stdout.flush()
    runpy.run_path(SCRIPT, run_name="__main__")
