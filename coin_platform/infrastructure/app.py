"""CloudFormation's template of the stack, made on this machine without a network.

Also the CDK's app: its command line runs `python -m coin_platform.infrastructure.app`.
"""

import os
from pathlib import Path
from typing import Any

from coin_platform.infrastructure.options import Options, read_options

# What the CDK does by default in a new project, where it concerns us.
FLAGS = {
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-rds:lowercaseDbIdentifier": True,
    "@aws-cdk/aws-iam:minimizePolicies": False,  # a statement is as it was written
    "@aws-cdk/core:enablePartitionLiterals": True,
    "@aws-cdk/aws-ecs:removeDefaultDeploymentAlarm": True,
}
CDK_FOLDER = "CDK_OUTDIR"  # where the CDK's command line wants it


def synthesize(options: Options, folder: Path | None = None) -> dict[str, Any]:
    """Write the template below `folder`, by default where the CDK says; the template itself."""
    from aws_cdk import App

    from coin_platform.infrastructure.stack import CoinPlatform

    app = App(
        outdir=str(folder) if folder else os.environ.get(CDK_FOLDER),
        context=FLAGS,
        analytics_reporting=False,
    )
    stack = CoinPlatform(app, options)
    template: dict[str, Any] = app.synth().get_stack_artifact(stack.artifact_id).template
    return template


if __name__ == "__main__":
    synthesize(read_options())
