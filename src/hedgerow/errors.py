"""What can go wrong through no fault of the program, each said in one sentence with a cure."""


class HedgerowError(Exception):
    """Base of all errors that a user can mend; its text is one sentence that says how."""


class DataError(HedgerowError):
    """The interactions, the catalog or their columns cannot be used as they are."""


class ConfigError(HedgerowError):
    """An option or a hyper-parameter is outside its range."""


class CheckpointError(HedgerowError):
    """A checkpoint or a saved model is damaged, or belongs to another run."""
