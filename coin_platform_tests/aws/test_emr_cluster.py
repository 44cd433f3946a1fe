"""The cluster by its name: adopted, made as the settings say, and never left running alone."""

import pytest

from coin_platform.errors import PermanentError
from coin_platform.resources.aws.session import client
from coin_platform.resources.engine.emr.cluster import Clusters
from coin_platform.resources.engine.emr.cluster_request import request
from coin_platform.resources.engine.emr.package import Package
from coin_platform.resources.engine.emr.runner import Script
from coin_platform.resources.engine.emr.steps import StepRunner
from coin_platform_tests.aws.box import PROJECT
from coin_platform_tests.aws.emr_double import EmrDouble
from coin_platform_tests.aws.emr_scripts import until

SCRIPT = Script("run x", "s3://b/step.py", "s3://b/code.zip", ("--region", "us-east-1"))


@pytest.fixture
def double(box):
    double = EmrDouble(box)
    box.serve(double)
    return double


@pytest.fixture
def clusters(double, aws_settings):
    def of(package=None, **given):
        settings = aws_settings(**given)
        emr, s3 = client(settings, "emr"), client(settings, "s3")
        return Clusters(settings, emr, s3, package or Package())

    return of


def ignore(_):
    pass


def test_a_cluster_is_made_as_the_settings_say(double, clusters, box):
    made = clusters(
        emr_release="emr-6.9.0", emr_primary="m4.large:1", emr_core="m4.large:2",
        emr_task="m4.large:3", emr_applications="Spark, Hadoop", emr_key_pair="my-key",
        emr_subnet="subnet-1", emr_idle_minutes=30, emr_termination_protection=True,
        team="market", cost_center="42",
    ).make(ignore)  # fmt: skip
    wanted = double.clusters[made].request
    instances = wanted["Instances"]
    assert wanted["ReleaseLabel"] == "emr-6.9.0"
    assert [a["Name"] for a in wanted["Applications"]] == ["Spark", "Hadoop"]
    assert [
        (g["InstanceRole"], g["InstanceType"], g["InstanceCount"])
        for g in instances["InstanceGroups"]
    ] == [("MASTER", "m4.large", 1), ("CORE", "m4.large", 2), ("TASK", "m4.large", 3)]
    assert (instances["Ec2KeyName"], instances["Ec2SubnetId"]) == ("my-key", "subnet-1")
    assert instances["TerminationProtected"]
    assert wanted["AutoTerminationPolicy"] == {"IdleTimeout": 1800}
    assert wanted["LogUri"] == f"s3://platform-{PROJECT}/logs/emr/"
    tags = {tag["Key"]: tag["Value"] for tag in wanted["Tags"]}
    assert tags["Projeto"] == PROJECT
    assert (tags["Team"], tags["CentroCusto"]) == ("market", "42")
    conf = {c["Classification"]: c["Properties"] for c in wanted["Configurations"]}
    assert conf["delta-defaults"] == {"delta.enabled": "true"}
    assert "Glue" in conf["spark-hive-site"]["hive.metastore.client.factory.class"]
    assert conf["spark-defaults"]["spark.pyspark.python"] == "python3.11"


def test_nodes_without_tasks_are_primary_and_core(aws_settings):
    groups = request(aws_settings(), "s3://x")["Instances"]["InstanceGroups"]
    assert [group["InstanceRole"] for group in groups] == ["MASTER", "CORE"]


def test_its_bootstrap_action_pins_the_packages_of_this_environment(double, clusters, box):
    package = Package()
    made = clusters(package).make(ignore)
    (action,) = double.clusters[made].request["BootstrapActions"]
    address = action["ScriptBootstrapAction"]["Path"]
    assert address == f"s3://platform-{PROJECT}/{package.bootstrap_key}"
    found = box.client("s3").get_object(Bucket=f"platform-{PROJECT}", Key=package.bootstrap_key)
    text = found["Body"].read().decode()
    assert all(requirement in text for requirement in package.requirements)
    assert any(requirement.startswith("deltalake==1.") for requirement in package.requirements)


def test_a_living_cluster_of_that_name_is_adopted_and_of_another_not(double, clusters):
    clusters(emr_cluster="other").make(ignore)
    ours = clusters()
    assert ours.find() is None
    made = ours.make(ignore)
    until(lambda: double.clusters[made].state == "WAITING")
    assert ours.find().id == made
    assert clusters().find().id == made


def test_among_many_clusters_ours_is_found(double, clusters):
    made = clusters().make(ignore)
    for n in range(5):
        clusters(emr_cluster=f"other-{n}").make(ignore)
    assert clusters().find().id == made


def test_a_cluster_with_the_packages_of_an_older_version_is_left_to_end_itself(double, clusters):
    older = Package()
    older.__dict__["requirements"] = ("deltalake==0.1",)
    made = clusters(older).make(ignore)
    now = clusters()
    assert now.find() is None
    assert now.make(ignore) != made


def test_a_cluster_that_others_made_is_adopted(double, clusters, aws_settings, box):
    wanted = request(aws_settings(), "s3://x") | {"BootstrapActions": []}
    theirs = box.client("emr").run_job_flow(**wanted)["JobFlowId"]
    assert clusters().find().id == theirs


def test_of_two_runs_that_make_one_at_once_both_use_the_older(double, clusters):
    told = []
    first = clusters().make(told.append)
    second = clusters().make(told.append)
    assert second == first
    until(lambda: double.alive == [first])
    assert any(f"another run made {first} before" in line for line in told)


def test_a_cluster_made_for_a_step_that_is_refused_is_ended_again(
    box, double, clusters, aws_settings
):
    settings = aws_settings(emr_termination_protection=True)
    runner = StepRunner(settings, client(settings, "emr"),
                        clusters(emr_termination_protection=True))  # fmt: skip
    box.fail("elasticmapreduce", 1, action="AddJobFlowSteps", code="ValidationException",
             message="Maximum number of active steps exceeded")  # fmt: skip
    with pytest.raises(PermanentError, match="Maximum number of active steps"):
        runner.submit(SCRIPT, ignore)
    until(lambda: not double.alive)


def test_a_cluster_that_got_a_step_of_others_meanwhile_is_not_ended(
    box, double, clusters, aws_settings
):
    ours = clusters()
    made = ours.make(ignore)
    settings = aws_settings()
    StepRunner(settings, client(settings, "emr"), clusters()).submit(SCRIPT, ignore)
    ours.end_unused(made)
    assert double.alive == [made]


def test_an_idle_cluster_ends_itself_and_the_next_run_makes_another(double, clusters):
    double.idle_scale = 0.001
    made = clusters(emr_idle_minutes=1).make(ignore)
    until(lambda: not double.alive)
    assert double.clusters[made].reason["Message"] == "Auto-terminated: idle"
    assert clusters().find() is None


def test_the_probe_says_what_there_is(double, clusters, aws_settings):
    settings = aws_settings()
    runner = StepRunner(settings, client(settings, "emr"), clusters())
    assert "no cluster coin-platform lives" in runner.probe()
    made = clusters().make(ignore)
    assert f"cluster coin-platform ({made}) is" in runner.probe()
