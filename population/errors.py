"""The errors that a user causes and can mend."""


class UserError(Exception):
    """An error whose message is all that a user needs: what is wrong, and the way out.

    The command line prints it without a traceback; every room derives its own errors from it.
    """
