"""What a month may cost, and who is told: a budget, and the topic of all alarms."""

from aws_cdk import Aws
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from coin_platform.infrastructure.options import Options
from coin_platform.resources.aws.tags import APPLICATION

ACTUAL_PERCENT, FORECAST_PERCENT = (80, 100), (100,)


class Alarms(Construct):
    """The topic to which budget and database report."""

    def __init__(self, scope: Construct, key: kms.IKey, options: Options) -> None:
        super().__init__(scope, "Alarms")
        self.topic = sns.Topic(
            self, "Topic", topic_name=f"{options.project}-alarms", master_key=key, enforce_ssl=True
        )
        for service in ("budgets", "events.rds"):
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[self.topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
                )
            )
        if options.account.alert_email:
            self.topic.add_subscription(
                subscriptions.EmailSubscription(options.account.alert_email)
            )


class Budget(Construct):
    """By the tag Application, which has to be made a cost allocation tag once in the account."""

    def __init__(self, scope: Construct, topic: sns.ITopic, options: Options) -> None:
        super().__init__(scope, "Budget")
        kind = budgets.CfnBudget
        levels = [("ACTUAL", level) for level in ACTUAL_PERCENT]
        levels += [("FORECASTED", level) for level in FORECAST_PERCENT]
        kind(
            self,
            "Monthly",
            budget=kind.BudgetDataProperty(
                budget_name=f"{options.project}-monthly",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=kind.SpendProperty(
                    amount=options.platform.monthly_budget_usd, unit="USD"
                ),
                cost_filters={"TagKeyValue": [f"user:{APPLICATION[0]}${APPLICATION[1]}"]},
            ),
            notifications_with_subscribers=[
                kind.NotificationWithSubscribersProperty(
                    notification=kind.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=which,
                        threshold=level,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[
                        kind.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
                    ],
                )
                for which, level in levels
            ],
        )
