"""Everything that Earshot itself raises.

    EarshotError              what went wrong, where, and what was expected, in one line
    ├── SettingsError         a key or a value in the environment or in earshot.toml
    ├── ModelError            a model that is missing, damaged or of another format
    │   ├── ProfileError      a profile that nobody knows
    │   └── ChecksumError     a file that is not the one in the manifest
    ├── FetchError            a download that failed
    ├── BundleError           a bundle that is damaged, altered or not for this machine
    │   └── SignatureError    a bundle that its key did not sign, or a key that is none
    ├── AudioError            a recording that cannot be used
    │   └── NothingHeardError a recording in which no speech was found
    ├── OutputError           a file that cannot be written
    ├── DocumentsError        a documents folder that cannot be read
    ├── DeviceError           no microphone or loudspeaker
    ├── CredentialsError      a secret that is missing, damaged or readable by others
    ├── InitError             a folder, an address or a Docker that compose can't use
    ├── StackError            something that `earshot up` needs is missing, busy or gave up
    ├── NotRunningError       nothing runs here
    ├── EngineError           an engine that cannot listen, or that does not answer
    ├── CallLogError          a call log that can't be read, or a call that is not in it
    ├── WebhookRefusedError   a webhook that is not our server's, or was changed
    ├── ToolsError            tools of one's own that can't be used
    ├── ProjectError          a project that can't be made
    ├── OperatorError         a livekit-server that could not do what was asked; exit status 1
    │   ├── MissingError      no such room, participant, track, dispatch, …; exit status 3
    │   ├── RefusedError      a key or a token that the server does not take; exit status 4
    │   └── UnreachableError  a server, or a service behind it, that does not answer; exit status 5
    └── CallError             a call that a scripted caller could not hold

The command line prints the message and exits with `exit_status`: 2 where nothing else is said. The
plugins have trees of their own, which `earshot.models` turns into a ModelError.
"""


class EarshotError(Exception):
    """A user's mistake or a broken environment: the message is meant for people."""

    exit_status = 2


class SettingsError(EarshotError):
    """A key or a value in the environment or in earshot.toml."""


class ModelError(EarshotError):
    """A model that is missing, damaged or of another format."""


class ProfileError(ModelError):
    """A profile that nobody knows."""


class ChecksumError(ModelError):
    """A file that is not the one in the manifest."""


class FetchError(EarshotError):
    """A download that failed."""


class BundleError(EarshotError):
    """A bundle that is damaged, altered or not for this machine."""


class SignatureError(BundleError):
    """A bundle that its key did not sign, or a key that is none."""


class AudioError(EarshotError):
    """A recording that cannot be used."""


class NothingHeardError(AudioError):
    """A recording in which no speech was found."""


class OutputError(EarshotError):
    """A file that cannot be written."""


class DocumentsError(EarshotError):
    """A documents folder that cannot be read."""


class DeviceError(EarshotError):
    """No microphone or loudspeaker."""


class CredentialsError(EarshotError):
    """A secret that is missing, damaged or readable by others."""


class InitError(EarshotError):
    """A folder, an address or a Docker that compose can't use."""


class StackError(EarshotError):
    """Something that `earshot up` needs is missing, busy or gave up."""


class NotRunningError(EarshotError):
    """Nothing runs here."""


class CallError(EarshotError):
    """A call that a scripted caller could not hold: not joined, not answered, broken off."""


class EngineError(EarshotError):
    """An engine that cannot listen, or that does not answer."""


class CallLogError(EarshotError):
    """A call log that can't be read, or a call that is not in it."""


class WebhookRefusedError(EarshotError):
    """A webhook that is not our server's, or was changed.

    Args:
        status: of the HTTP answer; livekit-server tries again after 429.
        claimed: what the sender says of itself: not to be logged.
    """

    def __init__(self, message: str, status: int = 401, claimed: str = "") -> None:
        super().__init__(message)
        self.status, self.claimed = status, claimed


class ToolsError(EarshotError):
    """Tools of one's own that can't be used."""


class ProjectError(EarshotError):
    """A project that can't be made."""


class OperatorError(EarshotError):
    """A livekit-server that could not do what was asked."""

    exit_status = 1


class MissingError(OperatorError):
    """No such room, participant, track, dispatch, …"""

    exit_status = 3


class RefusedError(OperatorError):
    """A key or a token that the server does not take."""

    exit_status = 4


class UnreachableError(OperatorError):
    """A server, or a service behind it, that does not answer."""

    exit_status = 5
