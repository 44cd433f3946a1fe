"""The platform's own errors, told apart by who has to act.

Every message says what was wrong, where, and what to do. The command line prints them without a
traceback; Dagster shows them as they are.
"""


class PlatformError(Exception):
    """Anything the platform can explain."""


class SettingsError(PlatformError):
    """A setting or an argument is wrong: nothing was started, the caller must change it."""


class TransientError(PlatformError):
    """It may go well if tried again later: throttling, a busy server, a lost connection."""


class PermanentError(PlatformError):
    """Trying again cannot help until somebody changes something."""


class AccessError(PermanentError):
    """The role that we have may not do it: grant it, or take another role."""
