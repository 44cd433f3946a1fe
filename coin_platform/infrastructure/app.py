"""CloudFormation's template of the stack, made on this machine without a network."""

from pathlib import Path
from typing import Any

from coin_platform.infrastructure.options import Options

# What the CDK does by default in a new project, where it concerns us.
FLAGS = {
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-rds:lowercaseDbIdentifier": True,
    "@aws-cdk/aws-iam:minimizePolicies": False,  # a statement is as it was written
    "@aws-cdk/core:enablePartitionLiterals": True,
    "@aws-cdk/aws-ecs:removeDefaultDeploymentAlarm": True,
}


def synthesize(options: Options, folder: Path) -> dict[str, Any]:
    """Write what the CDK deploys to `folder`; the template of it."""
    from aws_cdk import App

    from coin_platform.infrastructure.stack import CoinPlatform

    app = App(outdir=str(folder), context=FLAGS, analytics_reporting=False)
    stack = CoinPlatform(app, options)
    template: dict[str, Any] = app.synth().get_stack_artifact(stack.artifact_id).template
    return template
