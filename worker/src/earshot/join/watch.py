"""The events of a room -> `Events`: every one that LiveKit's client tells of."""

from typing import Any

from livekit import rtc

from .events import Events

STATE = "lk.agent.state"


class Watch:
    """Listens to a room from before it is joined."""

    def __init__(self, room: rtc.Room, events: Events) -> None:
        self._room = room
        self._put = events.put
        for name, handler in {
            "participant_connected": self._joined,
            "participant_disconnected": self._left,
            "participant_active": self._active,
            "participant_attributes_changed": self._attributes,
            "participant_metadata_changed": self._metadata,
            "participant_name_changed": self._name,
            "participant_permissions_changed": self._permissions,
            "participant_encryption_status_changed": self._encryption,
            "track_published": self._track("track_published"),
            "track_unpublished": self._track("track_unpublished"),
            "track_muted": self._muted("track_muted"),
            "track_unmuted": self._muted("track_unmuted"),
            "track_subscribed": self._subscribed("track_subscribed"),
            "track_unsubscribed": self._subscribed("track_unsubscribed"),
            "track_subscription_failed": self._not_subscribed,
            "local_track_published": self._own("own_track_published"),
            "local_track_unpublished": self._own("own_track_unpublished"),
            "local_track_republished": self._own("own_track_republished"),
            "local_track_subscribed": self._own_heard,
            "data_track_published": self._data_track,
            "data_track_unpublished": self._data_track_gone,
            "active_speakers_changed": self._speakers,
            "connection_quality_changed": self._quality,
            "room_metadata_changed": self._room_metadata,
            "room_updated": self._room_updated,
            "data_received": self._data,
            "sip_dtmf_received": self._dtmf,
            "connection_state_changed": self._connection,
            "reconnecting": self._plain("reconnecting"),
            "reconnected": self._plain("reconnected"),
            "moved": self._moved,
            "token_refreshed": self._plain("token_refreshed"),
            "disconnected": self._disconnected,
        }.items():
            room.on(name, handler)  # type: ignore[arg-type]
        self._recording = False

    def look(self) -> None:
        """Who and what was there already, after the room was joined."""
        self._recording = self._room.is_recording
        me = self._room.local_participant
        self._put(
            "joined",
            room=self._room.name,
            identity=me.identity,
            sid=me.sid,
            metadata=self._room.metadata,
            recording=self._recording,
            others=len(self._room.remote_participants),
        )
        for participant in self._room.remote_participants.values():
            self._put("present", **_person(participant))
            for publication in participant.track_publications.values():
                self._put("track_there", identity=participant.identity, **_published(publication))
            self._state(participant.identity, dict(participant.attributes))

    def _joined(self, participant: rtc.RemoteParticipant) -> None:
        self._put("participant_joined", **_person(participant))
        self._state(participant.identity, dict(participant.attributes))

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        reason = participant.disconnect_reason
        why = {} if reason is None else {"reason": _reason(reason)}
        self._put("participant_left", identity=participant.identity, **why)

    def _active(self, participant: rtc.RemoteParticipant) -> None:
        self._put("participant_active", identity=participant.identity)

    def _attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        self._state(participant.identity, changed)
        rest = {k: v for k, v in changed.items() if k != STATE}
        if rest:
            self._put("attributes", identity=participant.identity, changed=rest)

    def _state(self, identity: str, attributes: dict[str, str]) -> None:
        if STATE in attributes:
            self._put("agent_state", identity=identity, state=attributes[STATE])

    def _metadata(self, participant: rtc.Participant, _old: str, new: str) -> None:
        self._put("metadata", identity=participant.identity, metadata=new)

    def _name(self, participant: rtc.Participant, _old: str, new: str) -> None:
        self._put("name", identity=participant.identity, name=new)

    def _permissions(self, participant: rtc.Participant, permissions: Any) -> None:
        shown = {
            field.name: value
            for field, value in permissions.ListFields()
            if isinstance(value, bool)
        }
        self._put("permissions", identity=participant.identity, may=shown)

    def _encryption(self, participant: rtc.Participant, encrypted: bool) -> None:
        self._put("encryption", identity=participant.identity, encrypted=encrypted)

    def _track(self, kind: str) -> Any:
        def handle(
            publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
        ) -> None:
            self._put(kind, identity=participant.identity, **_published(publication))

        return handle

    def _muted(self, kind: str) -> Any:
        def handle(participant: rtc.Participant, publication: rtc.TrackPublication) -> None:
            self._put(kind, identity=participant.identity, **_published(publication))

        return handle

    def _subscribed(self, kind: str) -> Any:
        def handle(
            _track: rtc.Track,
            publication: rtc.RemoteTrackPublication,
            participant: rtc.RemoteParticipant,
        ) -> None:
            self._put(kind, identity=participant.identity, **_published(publication))

        return handle

    def _not_subscribed(self, participant: rtc.RemoteParticipant, sid: str, error: Any) -> None:
        self._put(
            "track_subscription_failed", identity=participant.identity, track=sid, error=str(error)
        )

    def _own(self, kind: str) -> Any:
        def handle(publication: rtc.LocalTrackPublication) -> None:
            self._put(kind, **_published(publication))

        return handle

    def _own_heard(self, track: rtc.Track) -> None:
        self._put("own_track_subscribed", track=track.sid, name=track.name)

    def _data_track(self, track: rtc.RemoteDataTrack) -> None:
        info = track.info
        self._put(
            "data_track_published",
            identity=track.publisher_identity,
            track=info.sid,
            name=info.name,
        )

    def _data_track_gone(self, sid: str) -> None:
        self._put("data_track_unpublished", track=sid)

    def _speakers(self, speakers: list[rtc.Participant]) -> None:
        self._put("active_speakers", identities=[s.identity for s in speakers])

    def _quality(self, participant: rtc.Participant | None, quality: Any) -> None:
        who = participant.identity if participant else ""
        name = rtc.ConnectionQuality(quality).name.removeprefix("QUALITY_").lower()
        self._put("connection_quality", identity=who, quality=name)

    def _room_metadata(self, _old: str, new: str) -> None:
        self._put("room_metadata", metadata=new)

    def _room_updated(self) -> None:
        if self._room.is_recording != self._recording:
            self._recording = self._room.is_recording
            self._put("recording", active=self._recording)

    def _data(self, packet: rtc.DataPacket) -> None:
        try:
            content: dict[str, Any] = {"text": packet.data.decode()}
        except UnicodeDecodeError:
            content = {"hex": packet.data[:256].hex()}
        self._put(
            "data",
            identity=packet.participant.identity if packet.participant else "",
            topic=packet.topic or "",
            bytes=len(packet.data),
            reliable=packet.kind == rtc.DataPacketKind.KIND_RELIABLE,
            **content,
        )

    def _dtmf(self, dtmf: rtc.SipDTMF) -> None:
        who = dtmf.participant.identity if dtmf.participant else ""
        self._put("dtmf", identity=who, digit=dtmf.digit, code=dtmf.code)

    def _connection(self, state: Any) -> None:
        name = rtc.ConnectionState.Name(state).removeprefix("CONN_").lower()
        self._put("connection", state=name)

    def _moved(self) -> None:
        self._put("moved", room=self._room.name)

    def _disconnected(self, reason: Any) -> None:
        self._put("disconnected", reason=_reason(reason))

    def _plain(self, kind: str) -> Any:
        return lambda: self._put(kind)


def _person(participant: rtc.RemoteParticipant) -> dict[str, Any]:
    kind = rtc.ParticipantKind.Name(participant.kind)
    return {
        "identity": participant.identity,
        "kind": kind.removeprefix("PARTICIPANT_KIND_").lower(),
        "name": participant.name,
        "metadata": participant.metadata,
        "attributes": dict(participant.attributes),
    }


def _published(publication: rtc.TrackPublication) -> dict[str, Any]:
    return {
        "track": publication.sid,
        "name": publication.name,
        "kind": rtc.TrackKind.Name(publication.kind).removeprefix("KIND_").lower(),
        "source": rtc.TrackSource.Name(publication.source).removeprefix("SOURCE_").lower(),
        "muted": publication.muted,
    }


def _reason(reason: Any) -> str:
    return rtc.DisconnectReason.Name(reason).lower()
