"""The one kind of error that is shown to people as a sentence, without a traceback."""


class UserError(ValueError):
    """A mistake that a person can mend; the message says what is wrong, where, and the cure."""
