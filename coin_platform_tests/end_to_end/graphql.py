"""A Dagster webserver as the UI speaks to it."""

import socket
import subprocess
import time
from typing import Any

import requests

LAUNCH = """
mutation LaunchPartitionBackfill($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
BACKFILL = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status error { message } runs(limit: 50) { id status } }
  }
}
"""
LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError {
      __typename
      ... on PythonError { message }
      ... on RepositoryLocation { repositories {
        schedules { name scheduleState { status } }
        sensors { name sensorState { status } }
      } } } } } } }
"""
ASSETS = "{ assetNodes { assetKey { path } isMaterializable } }"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Webserver:
    """The webserver on a port of this machine, run by a process."""

    def __init__(self, port: int, process: "subprocess.Popen[str]") -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    def wait(self, seconds: float = 60) -> None:
        """Until it answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                requests.get(f"{self.url}/server_info", timeout=5).raise_for_status()
            except requests.ConnectionError:
                assert self.process.poll() is None, "the process ended"
                assert time.monotonic() < deadline, f"{self.url} does not answer"
                time.sleep(0.2)
            else:
                return

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer, which must have no errors."""
        answer = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60
        ).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def location(self) -> Any:
        """The only code location, which must have loaded."""
        [entry] = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        assert entry["loadStatus"] == "LOADED"
        assert entry["locationOrLoadError"]["__typename"] == "RepositoryLocation", entry
        return entry

    def automation(self) -> dict[str, str]:
        """The status of every schedule and sensor by name."""
        [repository] = self.location()["locationOrLoadError"]["repositories"]
        schedules = {s["name"]: s["scheduleState"]["status"] for s in repository["schedules"]}
        sensors = {s["name"]: s["sensorState"]["status"] for s in repository["sensors"]}
        return {**schedules, **sensors}

    def materializable(self) -> list[dict[str, list[str]]]:
        nodes = self.ask(ASSETS)["assetNodes"]
        return [{"path": node["assetKey"]["path"]} for node in nodes if node["isMaterializable"]]

    def materialize_all(self, partition: str) -> str:
        """What the button of the asset graph sends for one partition; the backfill's id."""
        parameters = {
            "assetSelection": self.materializable(),
            "partitionNames": [partition],
            "fromFailure": False,
            "tags": [],
        }
        launched = self.ask(LAUNCH, backfillParams=parameters)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def wait_for_backfill(self, backfill: str, seconds: float = 200) -> Any:
        """The backfill when it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]
            if seen["status"] not in ("REQUESTED", "CANCELING", "FAILING"):
                return seen
            assert time.monotonic() < deadline, seen
            time.sleep(0.5)
