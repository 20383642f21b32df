"""What can go wrong through no fault of the program, each said in one sentence with a cure."""


class HedgerowError(Exception):
    """Base of all errors that a user can mend; its text is one sentence that says how."""


class DataError(HedgerowError):
    """The interactions, the catalog or their columns cannot be used as they are."""


class ConfigError(HedgerowError):
    """An option or a hyper-parameter is outside its range."""


class CheckpointError(HedgerowError):
    """A checkpoint or a saved model is damaged, or belongs to another run."""


class PolicyError(HedgerowError):
    """What is asked would break a privacy promise."""


class ProtocolError(HedgerowError):
    """A message or a request breaks the protocol of a secured sum, which ends here.

    Parameters
    ----------
    code
        A short stable name of what is wrong, such as ``bad-signature``, for programs.
    sentence
        What is wrong and what to do, for people.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


class StorageError(HedgerowError):
    """What a server keeps cannot be reached, is damaged, or is of another version.

    Parameters
    ----------
    sentence
        What is wrong and what to do, for people.
    transient
        Whether the same may well succeed a little later.
    """

    def __init__(self, sentence: str, *, transient: bool = False) -> None:
        super().__init__(sentence)
        self.transient = transient
