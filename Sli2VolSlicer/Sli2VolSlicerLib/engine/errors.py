"""What can go wrong, each with a message that names the offending value and what to do."""


class Sli2VolError(Exception):
    """Any error that the user can understand and act on."""


class VolumeError(Sli2VolError):
    """The volume cannot be propagated through (shape, values, number of slices)."""


class AnnotationError(Sli2VolError):
    """What was drawn cannot be used (empty, another grid, several axes)."""


class SliceRangeError(AnnotationError):
    """A range of slices that holds none of the volume's."""


class WeightsError(Sli2VolError):
    """A weights file is missing, corrupt, or made for another method."""


class MethodError(Sli2VolError):
    """No method of this name, or an option that the method does not take."""


class DeviceError(Sli2VolError):
    """The requested device does not exist here."""


class RecommendationError(Sli2VolError):
    """No slice can be recommended: an unknown policy, nothing to go by, or nothing left to draw."""


class OutputError(Sli2VolError):
    """The result cannot be written where the user asked."""


class StaleResultError(Sli2VolError):
    """What a result was computed from has changed meanwhile; nothing was written."""


class PropagationCancelled(Sli2VolError):
    """The user cancelled; nothing was changed."""
