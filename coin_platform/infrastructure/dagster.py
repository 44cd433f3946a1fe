"""Dagster on ECS: one Fargate service of three containers from one image, and a task for each run.

Nobody reaches the UI from outside; an engineer forwards its port through Session Manager, so that
no load balancer, certificate or login of its own is needed (docs/aws.md).
"""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from coin_platform.infrastructure.access import allow, policy
from coin_platform.infrastructure.network import Network
from coin_platform.infrastructure.options import Options

CODE = ("dagster", "code-server", "start", "-h", "127.0.0.1", "-p", "4000",
        "-m", "coin_platform.definitions", "--location-name", "coin_platform")  # fmt: skip
WORKSPACE = "/opt/coin_platform/deploy/workspace.yaml"
WEBSERVER = ("dagster-webserver", "-h", "127.0.0.1", "-p", "3000", "-w", WORKSPACE)
DAEMON = ("dagster-daemon", "run", "-w", WORKSPACE)
WRITABLE = {"scratch": "/tmp", "state": "/var/lib/coin_platform"}  # noqa: S108  the container's own
CPU, MEMORY_MB = 1024, 4096
IMAGES_KEPT = 20
NO_IMAGE = "none-pushed-yet"


class Dagster(Construct):
    """Repository of images, cluster, logs, and the service."""

    def __init__(  # noqa: PLR0913  what it runs with
        self,
        scope: Construct,
        network: Network,
        key: kms.IKey,
        role: iam.Role,
        environment: Mapping[str, str],
        options: Options,
    ) -> None:
        super().__init__(scope, "Dagster")
        removable = options.account.removable
        self.repository = ecr.Repository(
            self,
            "Images",
            repository_name=options.project,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=key,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=IMAGES_KEPT)],
            removal_policy=RemovalPolicy.DESTROY if removable else RemovalPolicy.RETAIN,
        )
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/ecs/{options.project}",
            encryption_key=key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=options.project,
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            execute_command_configuration=ecs.ExecuteCommandConfiguration(
                logging=ecs.ExecuteCommandLogging.NONE  # sessions forward a port, they run nothing
            ),
        )
        self.execution_role = self._execution_role(key, options)
        task = self._task(role, environment, options)
        ecs.FargateService(
            self,
            "Service",
            service_name="dagster",
            cluster=cluster,
            task_definition=task,
            # Without an image the service would wait for one, and the deployment with it.
            desired_count=1 if options.account.image_tag else 0,
            min_healthy_percent=0,  # one daemon at a time
            max_healthy_percent=100,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            platform_version=ecs.FargatePlatformVersion.LATEST,
            enable_execute_command=True,
            vpc_subnets=network.applications,
            security_groups=[network.platform],
            assign_public_ip=not network.behind_nat,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )

    def _execution_role(self, key: kms.IKey, options: Options) -> iam.Role:
        """Of ECS's agent: pulls the image and keeps the logs."""
        return iam.Role(
            self,
            "ExecutionRole",
            role_name=f"{options.project}-execution",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            inline_policies=policy(
                allow("SignInToImages", ["ecr:GetAuthorizationToken"], ["*"]),  # has no resource
                allow(
                    "PullImages",
                    [
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                    ],
                    [self.repository.repository_arn],
                ),
                allow("DecryptImages", ["kms:Decrypt"], [key.key_arn]),
                allow(
                    "WriteLogs",
                    ["logs:CreateLogStream", "logs:PutLogEvents"],
                    [self.log_group.log_group_arn],
                ),
            ),
        )

    def _task(
        self, role: iam.Role, environment: Mapping[str, str], options: Options
    ) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=options.project,
            cpu=CPU,
            memory_limit_mib=MEMORY_MB,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            # What the roles may do stands in their own statements; the CDK adds none.
            task_role=role.without_policy_updates(),
            execution_role=self.execution_role.without_policy_updates(),
            volumes=[ecs.Volume(name=name) for name in WRITABLE],
        )
        address = f"{self.repository.repository_uri}:{options.account.image_tag or NO_IMAGE}"
        image = ecs.ContainerImage.from_registry(address)
        # Dagster starts a task of it for each run.
        variables = {**environment, "DAGSTER_CURRENT_IMAGE": address}

        def container(
            name: str, command: tuple[str, ...], **more: object
        ) -> ecs.ContainerDefinition:
            added = task.add_container(
                name,
                image=image,
                command=[*command],
                environment=variables,
                readonly_root_filesystem=True,
                logging=ecs.LogDriver.aws_logs(stream_prefix=name, log_group=self.log_group),
                **more,  # type: ignore[arg-type]
            )
            added.add_mount_points(
                *(
                    ecs.MountPoint(container_path=path, source_volume=volume, read_only=False)
                    for volume, path in WRITABLE.items()
                )
            )
            return added

        code = container(
            "code",
            CODE,
            health_check=ecs.HealthCheck(
                command=["CMD", "dagster", "api", "grpc-health-check", "-p", "4000"],
                interval=Duration.seconds(30),
                timeout=Duration.seconds(20),
                start_period=Duration.seconds(120),
                retries=5,
            ),
        )
        for name, command in (("webserver", WEBSERVER), ("daemon", DAEMON)):
            container(name, command).add_container_dependencies(
                ecs.ContainerDependency(
                    container=code, condition=ecs.ContainerDependencyCondition.HEALTHY
                )
            )
        return task
