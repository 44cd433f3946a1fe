"""The AWS account as code: who owns what, who may read what. Needs the extra `infra` and Node.

    settings ──► stack.py ──► network · keys · buckets ──► database ──► replication (DMS)
                                  │                            │
                                  ├── people · services        ├── dagster (ECS)
                                  │   (roles, by layer)        ▼
                                  └── catalog · cluster     outputs = the platform's settings

`app.py` makes CloudFormation's template of it, offline; `cdk.py` hands that to the CDK's command
line; `deployed.py` reads the outputs of what was deployed. No construct here brings a Lambda
function of the CDK's own, so that nothing has to be bundled.
"""
