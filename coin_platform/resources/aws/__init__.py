"""What all AWS services have in common: clients, what their errors mean, tags, secrets."""
