"""How both ends speak gRPC: bounded, local, and quick to find each other again."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""30 s of audio are 1.9 MB; a conversation of 131072 tokens, the longest, about 0.6 MB."""

_BOTH = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # in one piece, not in windows of 64 KiB and frames of 16: 3 s of audio take 0.8 ms, not 1.2
    ("grpc.http2.lookahead_bytes", MAX_MESSAGE_BYTES),
    ("grpc.http2.max_frame_size", 1024 * 1024),
)

SERVER = (
    *_BOTH,
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 1000),
)

CLIENT = (
    *_BOTH,
    # a Unix socket needs neither proxy nor configuration from DNS; nothing is looked up
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.enable_retries", 0),  # whether to ask again is the plugin's decision
    # an engine is back within a second or two: look for it often
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # means: how long one attempt may take
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.client_idle_timeout_ms", 2**31 - 1),
    # each client has its own connection: one process may hold several, and close one
    ("grpc.use_local_subchannel_pool", 1),
)
