"""Every cause that the doctor can name, what it means and what mends it.

docs/doctor.md shows this table. The keys are for programs and don't change.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    means: str
    cure: str


CAUSES = {
    # before anything runs
    "settings_wrong": Cause(
        "a setting is not what it may be",
        "correct the key that is named, in the environment or in earshot.toml; `earshot settings`"
        " lists them",
    ),
    "secrets_unusable": Cause(
        "a secret is missing, damaged or readable by others",
        "follow the line; a secret that is removed is made anew at the next start",
    ),
    "secrets_hidden": Cause(
        "this user may not read the secrets",
        "run the doctor as the user who runs Earshot, or with sudo",
    ),
    "models_incomplete": Cause(
        "files of the profile are missing or have another size",
        "earshot models fetch PROFILE, then earshot models verify PROFILE",
    ),
    "variant_none": Cause(
        "no build of llama.cpp runs this language model on this processor",
        "earshot models verify PROFILE; else another model, or llm.variant",
    ),
    "variant_refused": Cause(
        "a build of llama.cpp that suits this processor better dies of this language model, so a"
        " slower one runs",
        "report it, with this line; answers are right",
    ),
    "program_missing": Cause(
        "there is no livekit-server to start", "scripts/setup builds it; or set livekit.url"
    ),
    "disk_full": Cause(
        "the disk of the state folder is almost full",
        "make room, or put state_dir on another disk",
    ),
    "memory_short": Cause(
        "less memory is free than the models take",
        "end other programs, choose a smaller profile, or add memory",
    ),
    "cores_few": Cause(
        "this machine has a single core",
        "give it two or more: listening, thinking and speaking overlap",
    ),
    "ports_busy": Cause(
        "another program has a port that Earshot needs",
        "stop it, set another number (network.*_port), or earshot up --ports auto",
    ),
    "address_foreign": Cause(
        "the address that callers are told is none of this machine's",
        "set network.address to an address of this machine, unless a router passes it on with the"
        " same ports",
    ),
    "address_doubtful": Cause(
        "callers are told an address of a container's network or of a tunnel",
        "set network.address to the address of the network that callers are in",
    ),
    "not_running": Cause("nothing runs here", "earshot up (containers: docker compose up -d)"),
    # the processes
    "service_down": Cause(
        "a part of the stack does not work",
        "its log, STATE_DIR/logs/NAME.log, says why (containers: docker compose logs NAME)",
    ),
    "service_starting": Cause(
        "the stack is still starting",
        "wait; large models take minutes from a slow disk",
    ),
    "service_restarts": Cause(
        "a part of the stack was started anew", "look into its log: STATE_DIR/logs/NAME.log.1"
    ),
    "redis_down": Cause(
        "redis does not answer",
        "`earshot up` starts it anew by itself; else look into redis.log (memory, port)",
    ),
    "redis_password": Cause(
        "redis has another password",
        "another redis has the port, or redis-password was changed while it ran: stop and start",
    ),
    "engine_down": Cause(
        "the engine, which holds the models, does not answer",
        "wait while it loads; else engine.log (memory, a damaged model: earshot models verify)",
    ),
    "livekit_down": Cause(
        "livekit-server is not reached",
        "start it; from elsewhere: open its port (7880/tcp) in the firewall, give --lan to"
        " `earshot up`",
    ),
    "livekit_unwell": Cause(
        "livekit-server answers, but calls itself unwell: as a rule it has lost redis",
        "see the line of redis; then livekit.log",
    ),
    "page_down": Cause(
        "the page is not reached",
        "start Earshot; from elsewhere: open its port (8080/tcp), give --lan to `earshot up`",
    ),
    "page_refuses": Cause(
        "the page does not answer under this address",
        "open the address that `earshot up` shows, or set network.address to the one in use",
    ),
    "no_worker": Cause(
        "the worker is not registered with livekit-server, so no call is answered",
        "worker.log: is livekit.url right, are the keys the same as livekit-server's?",
    ),
    "not_ready": Cause(
        "the worker runs, and a caller would not be answered yet", "wait; then worker.log"
    ),
    # the way in
    "clock_skew": Cause(
        "the clocks of this machine and of livekit-server differ, so tokens are too early or over",
        "set both by one clock (chrony with a server inside the network; the host of a VM)",
    ),
    "code_needed": Cause(
        "an access code is needed for a token from here",
        "--code-file FILE; `earshot up` shows where the code is kept",
    ),
    "code_wrong": Cause(
        "the access code is wrong, or was wrong too often", "take it from secrets/access-code"
    ),
    "token_unreadable": Cause(
        "this is no token", "give a whole token: three parts with dots between"
    ),
    "keys_differ": Cause(
        "the token is signed with a key that livekit-server does not have",
        "give both the same keys.yaml, and start both anew",
    ),
    "token_expired": Cause(
        "the token is over",
        "get a new one; if it was new, a clock is wrong: see clock_skew",
    ),
    "token_refused": Cause(
        "livekit-server does not take the token", "livekit.log says why; get a new token"
    ),
    "grant_join": Cause(
        "the token does not let its holder join a room",
        "mint it with the grant roomJoin and the room's name",
    ),
    "grant_publish": Cause(
        "one-way audio: the token lacks canPublish, so nobody hears the caller",
        "mint it with canPublish (earshot token create does)",
    ),
    "grant_microphone": Cause(
        "one-way audio: the token may publish, but not a microphone",
        "add microphone to canPublishSources",
    ),
    "grant_subscribe": Cause(
        "one-way audio: the token lacks canSubscribe, so the caller hears nobody",
        "mint it with canSubscribe (earshot token create does)",
    ),
    "grant_data": Cause(
        "the token lacks canPublishData: what a caller types is lost", "mint it with canPublishData"
    ),
    "websocket_blocked": Cause(
        "the WebSocket of signalling does not come about",
        "a proxy in between has to pass /rtc* on with Upgrade; see docs/docker.md",
    ),
    "asks_outside": Cause(
        "callers are told to ask a STUN or TURN server outside",
        "livekit.yaml: turn.enabled: true and no stun_servers",
    ),
    "insecure_origin": Cause(
        "browsers elsewhere get no microphone from a page without https",
        "docker compose --profile tls, or a proxy with a certificate (docs/security.md)",
    ),
    # the audio's way
    "wrong_node_ip": Cause(
        "no or one-way audio: callers are told an address at which livekit-server can't be reached",
        "set network.address (rtc.node_ip) to the address that callers use, and start anew",
    ),
    "node_ip_unlike": Cause(
        "callers are told an address that can't be reached from here; livekit-server's own checks"
        " came through, as they do where nothing blocks packets on the way to the caller",
        "set network.address (rtc.node_ip) to the address that callers use",
    ),
    "udp_blocked": Cause(
        "UDP is blocked on the way: audio goes over TCP, which is slower where packets get lost",
        "open 7882/udp (network.rtc_udp_port) in the firewalls between",
    ),
    "udp_blocked_relay": Cause(
        "the audio's own ports are blocked, TURN is not: audio takes the way over the relay",
        "open 7882/udp and 7881/tcp in the firewalls between",
    ),
    "audio_blocked": Cause(
        "no audio: UDP and TCP are blocked on the way, only signalling passes",
        "open 7882/udp, and 7881/tcp for networks without UDP, in the firewalls between",
    ),
    "udp_blocked_no_tcp": Cause(
        "no audio: UDP is blocked on the way, and livekit-server offers no TCP",
        "open 7882/udp; livekit-server listens for audio over TCP with earshot up --lan",
    ),
    "udp_unpublished": Cause(
        "no audio: nothing listens at the address and port that callers are told",
        "publish 7882/udp and 7881/tcp with the same numbers inside and outside; a port range"
        " (rtc.port_range_*) switches the one port off",
    ),
    "extra_address": Cause(
        "callers are also told addresses that can't be reached (of containers, of tunnels)",
        "livekit.yaml: rtc.ips.includes with the one address that callers use",
    ),
    "no_candidates": Cause(
        "no audio: livekit-server names no address for it",
        "livekit.yaml: rtc.ips and rtc.node_ip must name an address of that machine",
    ),
    "turn_blocked": Cause(
        "the relay (TURN) does not answer: callers behind address translation may get no audio",
        "open 3478/udp (network.turn_port)",
    ),
    "tone_not_sent": Cause(
        "one-way audio: what this participant sends, another does not get",
        "packets from here to livekit-server are lost: compare the lines above from another place",
    ),
    "tone_not_joined": Cause(
        "no audio: WebRTC does not come about", "see the lines above it; then livekit.log"
    ),
    # the conversation
    "agent_absent": Cause(
        "no agent came into the room",
        "is a worker registered (see page)? calls.agent_name must be the one that is asked for",
    ),
    "agent_busy": Cause(
        "all lines are busy: the agent is taking other calls",
        "wait, or raise calls.max if the machine can carry more",
    ),
    "agent_silent": Cause(
        "the agent came and was not heard: no greeting, no answer",
        "engine.log and worker.log; the voice's file: earshot models verify",
    ),
    "agent_deaf": Cause(
        "one-way audio: the agent does not hear the caller",
        "grants and audio above are green? then worker.log: did it subscribe?",
    ),
    "not_understood": Cause(
        "the agent hears the caller and makes no words of it",
        "engine.log (STT); earshot talk shows the same without a network",
    ),
    "answer_slow": Cause(
        "the answer took longer than a person waits",
        "other load on the machine, too many calls (calls.max), a profile too large for it",
    ),
    "call_broken": Cause("the call broke off", "livekit.log and worker.log of that minute"),
    "too_slow": Cause(
        "a check did not end within its time", "look at what it asks; the machine may be overloaded"
    ),
    "doctor_broken": Cause(
        "the check itself failed, which is a mistake of Earshot",
        "earshot doctor --report FILE, and send it",
    ),
}


def table() -> str:
    """As Markdown."""
    rows = [f"| `{key}` | {c.means} | {c.cure} |" for key, c in CAUSES.items()]
    return "\n".join(["| cause | it means | cure |", "|---|---|---|", *rows])
