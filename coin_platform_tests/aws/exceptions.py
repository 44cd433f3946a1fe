"""AWS Foundational Security controls that the stack does not keep, and why."""

EXCEPTIONS = {
    "S3.9 on the bucket of the logs": "It holds the logs of the others; logging it would log the "
    "logging.",
    "S3.11, S3.22 and S3.23 (events and trails)": "S3.9's access logs tell every request; a trail "
    "is one an account, not one a stack, and CloudTrail's data events cost by request.",
    "S3.7 (copies in another region)": "Raw can be loaded again from the database, the others from "
    "raw; the database has backups.",
    "S3.15 (object lock)": "Raw's files are replaced at a reload, which a lock would forbid.",
    "S3.20 (MFA delete)": "It can be set by the account's root user alone, and by no template. "
    "Versions of deleted objects stay for 30 days.",
    "RDS.1 and RDS.4 (snapshots)": "Snapshots are not public and are encrypted as the instance is; "
    "none is made by hand here.",
    "RDS.5 (several zones)": "An option, `COIN_PLATFORM_INFRA_DATABASE_MULTI_AZ`: a standby "
    "doubles the cost of the database.",
    "RDS.23 (another port than 5432)": "The tutorial's port; its security group lets in only the "
    "platform and one given range.",
    "RDS.25 (another user than postgres)": "The tutorial's user; its password is generated and "
    "rotated.",
    "RDS.26 (a plan of AWS Backup)": "RDS's own backups are kept, 7 days by default.",
    "RDS.2 and RDS.46 under the tutorial's profile": "It gives the database a public address, "
    "which one given range reaches. checkov is told so in the template (CKV_AWS_17).",
    "DMS.1 under the tutorial's profile": "A public address, behind a security group that lets "
    "nobody in (CKV_AWS_89).",
    "DMS.9 (TLS), in part": "The stack asks for TLS (`require`). The certificates are too many for "
    "a template: the platform imports them and asks for `verify-full` before the task's first "
    "start.",
    "DMS.7 and DMS.8, in part": "The task logs; severities are DMS's defaults, and DMS wants them "
    "named. The test asks only that logging is on.",
    "DMS.13 (several zones)": "A single zone, as the tutorial has it: a task that is cut off goes "
    "on where it was.",
    "EMR.1 without a NAT gateway": "Nodes then stand in a public subnet with addresses.",
    "EMR.2 (block public access)": "A setting of the account and region, on by default.",
    "EMR.3 and EMR.4 (a security configuration)": "The platform makes the cluster, without one. "
    "What it reads and writes in S3 is encrypted at rest by the buckets' keys and over TLS by "
    "their policies; its local disks only if the account encrypts EBS by default (EC2.7).",
    "IAM.4 to IAM.9, IAM.15 to IAM.19 (root, passwords, users)": "Of the account, not of a stack. "
    "The stack makes no keys and no passwords.",
    "IAM.1 for AdministratorAccess": "The group Administrators has it, if a user for it was asked "
    "for; it is AWS's own policy, and needed to make the stack itself.",
    "SecretsManager.1 without a NAT gateway": "The function that changes the password could not "
    "reach Secrets Manager.",
    "SecretsManager.1 for CoinMarketCap's key": "The vendor has no way to change it by program.",
    "SecretsManager.3 (unused secrets)": "Seen in an account, not in a template.",
    "EC2.2 (the default security group)": "Closing it would need a function of our own; nothing is "
    "in it.",
    "EC2.10 and others on endpoints": "S3 has a gateway endpoint; what else is called goes through "
    "the NAT gateway, since each endpoint costs by the hour.",
    "ECS.2 and EC2.15 without a NAT gateway": "Tasks then have public addresses; nobody is let in.",
    "ECR, SNS, Athena, CloudWatch": "Kept as tested; the other controls on them ask for resources "
    "that are not here.",
}
